import { expect, test } from "vitest";
import type { LinkOut } from "../../api/generated";
import { bodyOf, canBeUndone, differing, EMPTY, toLocal, toMoment, valuesOf } from "./values";

const LINK = { ...EMPTY, status: 302, valid_from: null, expires_at: null } as unknown as LinkOut;

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

test("a password is set, or taken away, and told to nobody", () => {
  const before = valuesOf({ ...LINK, has_password: true });
  expect(differing(before, EMPTY)).not.toContain("password");
  const changed = { ...before, password: "ten brown owls" };
  expect(bodyOf(changed, differing(changed, before))).toEqual({ password: "ten brown owls" });
  const removed = { ...before, remove_password: true };
  expect(bodyOf(removed, differing(removed, before))).toEqual({ password: null });
  expect(canBeUndone(["title"])).toBe(true);
  expect(canBeUndone(["title", "password"])).toBe(false);
  expect(canBeUndone(["remove_password"])).toBe(false);
});
