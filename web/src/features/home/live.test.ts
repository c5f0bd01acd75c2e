import { expect, test } from "vitest";
import { after, HOUR } from "./live";

const nothing = { until: 0, moments: new Map<number, number>() };

test("news replace what was known of a moment, and what is older than an hour is forgotten", () => {
  const first = after(nothing, "hour", {
    until: 1000,
    complete: true,
    moments: [
      [1000 - HOUR + 1, 4, 0],
      [1000, 1, 0],
    ],
  });
  expect([...first.moments]).toEqual([
    [641, 4],
    [1000, 1],
  ]);
  const second = after(first, "news", { until: 1001, complete: true, moments: [[1000, 3, 1]] });
  expect([...second.moments]).toEqual([[1000, 3]]);
});

test("a whole hour leaves nothing of what was known before", () => {
  const known = { until: 1000, moments: new Map([[999, 7]]) };
  expect([...after(known, "hour", { until: 1000, complete: true, moments: [[998, 1, 0]] }).moments]).toEqual([
    [998, 1],
  ]);
});
