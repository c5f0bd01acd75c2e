import { expect, test } from "vitest";
import { readUtm, withUtm } from "./utm";

test("parameters come and go, and the rest of the target stays", () => {
  const target = withUtm("https://example.com/a?x=1#there", "source", "news letter");
  expect(target).toBe("https://example.com/a?x=1&utm_source=news+letter#there");
  expect(readUtm(target, "source")).toBe("news letter");
  expect(withUtm(target, "source", "")).toBe("https://example.com/a?x=1#there");
});

test("what is no address yet is left alone", () => {
  expect(withUtm("exampl", "source", "x")).toBe("exampl");
  expect(readUtm("javascript:alert(1)", "source")).toBe("");
});
