import { expect, test } from "vitest";
import { matches } from "./queries";

const ada = { name: "Ada Lovelace", email: "ada@example.com" };

test.each([
  ["", true],
  ["ada", true],
  ["LOVE example", true],
  ["  ada ", true],
  ["ada@example.org", false],
  ["grace", false],
])("%j finds her: %s", (typed, found) => {
  expect(matches(ada, typed)).toBe(found);
});
