import i18next from "i18next";
import { beforeAll, expect, test } from "vitest";
import type { EntryOut } from "../../api/generated";
import { startTranslations } from "../../i18n";
import { ACTIONS, sentenceOf } from "./sentence";

const names = new Map([
  ["user:7", "Ada"],
  ["key:3", "shop"],
]);
const entry = (changes: Partial<EntryOut>): EntryOut => ({
  id: 1,
  at: "2026-11-29T10:00:00Z",
  actor: "user:7",
  user_id: 7,
  action: "link.created",
  subject: "link:/spring",
  workspace_id: 1,
  origin: "",
  details: {},
  ...changes,
});
const told = (changes: Partial<EntryOut>) => sentenceOf(entry(changes), names, i18next.t);

beforeAll(startTranslations);

test("who did what to what is one sentence", () => {
  expect(told({})).toBe("Ada created the link /spring");
  expect(told({ actor: "key:3", subject: "link:go.example/a" })).toBe("shop created the link go.example/a");
  expect(told({ subject: "", details: { count: 250 } })).toBe("Ada created links (250)");
  expect(told({ action: "link.restored", subject: "", details: { count: 3 } })).toBe("Ada restored links (3)");
  expect(told({ action: "domain.added", subject: "domain:go.example", details: { name: "go.example" } })).toBe(
    "Ada added the domain go.example",
  );
  expect(told({ actor: "cli", action: "key.revoked", subject: "key:3" })).toBe(
    "The command line revoked the API key shop",
  );
  expect(told({ action: "thing.done", subject: "thing:1" })).toBe("Ada: thing.done (thing:1)");
});

test.each(ACTIONS)("there is a sentence for %s", (action) => {
  expect(i18next.exists(`audit.did.${action}`)).toBe(true);
});
