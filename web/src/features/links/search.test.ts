import { expect, test } from "vitest";
import { dayEnd, dayStart, queryOf, readLinkSearch, searchOf } from "./search";

const GIVEN = {
  q: "a b",
  tag: ["x", "y"],
  folder: "f",
  domain: "d.example",
  owner: "user:7",
  state: "expired",
  since: "2026-01-31",
  until: "2026-02-01",
  sort: "-clicks",
};

test("what the address says is read", () => {
  expect(readLinkSearch(GIVEN)).toEqual(GIVEN);
  expect(readLinkSearch({ tag: "one" })).toEqual({ tag: ["one"] });
});

test("what makes no sense is left out", () => {
  const given = {
    q: 7,
    tag: ["", null, {}],
    folder: "",
    state: "open",
    sort: "clicks; drop table",
    since: "2026-13-45",
  };
  expect(readLinkSearch(given)).toEqual({});
});

test("a view is saved as a query and read back", () => {
  const search = readLinkSearch(GIVEN);
  expect(searchOf(queryOf(search))).toEqual(search);
  expect(searchOf("")).toEqual({});
});

test("a day is whole, whatever its length", () => {
  expect(Date.parse(dayEnd("2026-03-10")) - Date.parse(dayStart("2026-03-10"))).toBe(86_400_000);
});
