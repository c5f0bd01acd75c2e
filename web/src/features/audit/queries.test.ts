import { expect, test } from "vitest";
import { exportUrl, filtersOf, readAuditSearch } from "./queries";

test("an address gives filters, and nothing that is none", () => {
  expect(
    readAuditSearch({ actor: "user:7", from: "2026-11-29", to: "yesterday", everywhere: "yes", other: 1 }),
  ).toEqual({
    actor: "user:7",
    from: "2026-11-29",
  });
});

test("the last day counts to its end", () => {
  const { since, until } = filtersOf({ from: "2026-11-29", to: "2026-11-30" });
  expect(new Date(until as string).getTime() - new Date(since as string).getTime()).toBe(2 * 86_400_000);
  expect(filtersOf({})).toEqual({ everywhere: false });
});

test("an export asks for what is shown", () => {
  expect(exportUrl({ action: "key.revoked" })).toBe("/api/v1/audit/export?action=key.revoked&everywhere=false");
});
