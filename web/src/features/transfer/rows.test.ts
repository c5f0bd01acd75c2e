import { expect, test } from "vitest";
import { guessMapping, linkOf, readJson } from "./rows";

test("headers are known by their names, each field once", () => {
  expect(guessMapping(["URL", "Long-URL", "Keyword", "Max Clicks", "hits"])).toEqual({
    URL: "target",
    "Long-URL": null,
    Keyword: "slug",
    "Max Clicks": "max_clicks",
    hits: null,
  });
});

test("cells become what the fields are", () => {
  const record = { t: " https://example.com ", g: "a, b,", m: "7", e: "no", x: "'=1+1", u: "" };
  const mapping = { t: "target", g: "tags", m: "max_clicks", e: "enabled", x: "title", u: "notes" } as const;
  expect(linkOf(record, mapping)).toEqual({
    target: "https://example.com",
    tags: ["a", "b"],
    max_clicks: 7,
    enabled: false,
    title: "=1+1",
  });
});

test("cells that exports wrote become what they were", () => {
  const record = { x: "''=1", y: "'tis", g: 'a,"b, c", "say ""d""",' };
  const mapping = { x: "title", y: "notes", g: "tags" } as const;
  expect(linkOf(record, mapping)).toEqual({ title: "'=1", notes: "'tis", tags: ["a", "b, c", 'say "d"'] });
});

test("what is no number goes out as it is, to be refused", () => {
  expect(linkOf({ m: "many" }, { m: "max_clicks" })).toEqual({ max_clicks: "many" });
});

test.each([
  ['[{"target":"a"}]', [{ target: "a" }]],
  ['{"target":"a"}\n\n{"target":"b"}\r\n', [{ target: "a" }, { target: "b" }]],
  ['{"target":"a"}\nnonsense', [{ target: "a" }, "nonsense"]],
])("JSON %j is read", (text, rows) => expect(readJson(text)).toEqual(rows));
