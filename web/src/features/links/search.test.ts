import { expect, test } from "vitest";
import { readLinkSearch } from "./search";

test("what the address says is read", () => {
  const given = { q: "a b", tag: ["x", "y"], folder: "f", domain: "d.example", state: "expired", sort: "-clicks" };
  expect(readLinkSearch(given)).toEqual(given);
  expect(readLinkSearch({ tag: "one" })).toEqual({ tag: ["one"] });
});

test("what makes no sense is left out", () => {
  const given = { q: 7, tag: ["", null, {}], folder: "", state: "open", sort: "clicks; drop table", more: 1 };
  expect(readLinkSearch(given)).toEqual({});
});
