import { expect, test } from "vitest";
import { bodyOf, differing, EMPTY, toLocal, toMoment } from "./values";

test("only what differs is sent, and emptied fields as null", () => {
  const before = { ...EMPTY, title: "a", max_clicks: 5, tags: ["x"], domain: "d.example" };
  const after = { ...before, title: "b", max_clicks: "" as const, tags: ["x"], domain: "" };
  const fields = differing(before, after);
  expect(fields).toEqual(["title", "max_clicks"]);
  expect(bodyOf(after, fields)).toEqual({ title: "b", max_clicks: null });
  expect(bodyOf({ ...EMPTY, status: "307" }, ["status", "expires_at"])).toEqual({ status: 307, expires_at: null });
});

test("moments go through the field of this time zone and back", () => {
  expect(toLocal(null)).toBe("");
  expect(toMoment(toLocal("2026-06-01T12:34:00Z"))).toBe("2026-06-01T12:34:00.000Z");
});
