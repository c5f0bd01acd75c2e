import { expect, test } from "vitest";
import { dayAfter, filtersOf, readStatsSearch, spanOf } from "./search";

test.each([
  [
    { period: "7d", tz: "Asia/Tokyo", bots: true, compare: false },
    { period: "7d", tz: "Asia/Tokyo", bots: true, compare: false },
  ],
  [
    { since: "2026-01-01", until: "2026-02-01", period: "7d" },
    { since: "2026-01-01", until: "2026-02-01" },
  ],
  [{ since: "2026-01-01T05:00:00+09:00" }, { since: "2026-01-01T05:00:00+09:00" }],
  [
    { country: "DE", referrer: "", city: 7, bot: "x", os: null, utm_term: "y".repeat(600) },
    { country: "DE", referrer: "", city: "7", utm_term: "y".repeat(512) },
  ],
  [{ since: "yesterday", until: "2026-01-01", period: "century", bots: "yes", tz: 7 }, {}],
])("%j is read as %j", (given, found) => {
  expect(readStatsSearch(given)).toEqual(found);
});

test("filters are told from the rest", () => {
  expect(filtersOf({ period: "7d", country: "DE", referrer: "" })).toEqual({ country: "DE", referrer: "" });
});

test("without a period it is the last 30 days where the reader is", () => {
  expect(spanOf({})).toEqual({ period: "30d", tz: Intl.DateTimeFormat().resolvedOptions().timeZone });
  expect(spanOf({ since: "2026-01-01", tz: "UTC" })).toEqual({ since: "2026-01-01", until: undefined, tz: "UTC" });
});

test("the day after a month's last one is the next month's first", () => {
  expect([dayAfter("2026-02-28"), dayAfter("2026-03-01", -1)]).toEqual(["2026-03-01", "2026-02-28"]);
});
