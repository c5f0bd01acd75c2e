import { expect, test } from "vitest";
import { unwrap } from "./http";
import { Problem, problemOf } from "./problem";

test("a refusal keeps its code, its sentence and its field", () => {
  const problem = problemOf({ code: "invalid_target", detail: "No.", field: "target" }, 422);
  expect(problem).toBeInstanceOf(Problem);
  expect(problem).toMatchObject({ code: "invalid_target", status: 422, message: "No.", field: "target" });
});

test("an answer that is no problem, and no answer at all, are told apart", () => {
  expect(problemOf("<html>", 502).code).toBe("unexpected_answer");
  expect(problemOf(new TypeError("fetch failed"), 0).code).toBe("offline");
  expect(problemOf(null, 500).code).toBe("unexpected_answer");
});

test("unwrap gives the data of a good answer and throws the problem of any other", async () => {
  const answer = (status: number) => new Response(null, { status });
  await expect(unwrap(Promise.resolve({ data: 7, response: answer(200) }))).resolves.toBe(7);
  const refused = { error: { code: "gone", detail: "Gone." }, response: answer(410) };
  await expect(unwrap(Promise.resolve(refused))).rejects.toMatchObject({ code: "gone", status: 410 });
  await expect(unwrap(Promise.resolve({ error: new TypeError("down") }))).rejects.toMatchObject({ code: "offline" });
});
