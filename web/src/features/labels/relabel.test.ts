import { expect, test } from "vitest";
import { replacedTags } from "./relabel";

test.each([
  [["a", "b"], "a", "c", ["c", "b"]],
  [["a", "b"], "a", "b", ["b"]],
  [["a", "b"], "a", null, ["b"]],
  [["a"], "x", "y", ["a"]],
])("in %o, %s becomes %s: %o", (tags, from, to, wanted) => {
  expect(replacedTags(tags, from, to)).toEqual(wanted);
});
