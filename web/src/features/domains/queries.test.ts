import { expect, test } from "vitest";
import { deedsOf } from "./queries";

const domain = { host: "go.example", workspace_id: null, default: false, configured: false, created_at: null };
const everything = { all: true, own: true };
const own = { all: false, own: true };

test("the usual domain stays as it is", () => {
  expect(deedsOf({ ...domain, default: true, configured: true }, everything)).toEqual({ assign: false, remove: false });
});

test("what a setting names is given to workspaces, and removed there alone", () => {
  expect(deedsOf({ ...domain, configured: true }, everything)).toEqual({ assign: true, remove: false });
});

test("admins of a workspace give back its own domains and no others", () => {
  expect(deedsOf({ ...domain, workspace_id: 2 }, own)).toEqual({ assign: false, remove: true });
  expect(deedsOf({ ...domain, workspace_id: 2, configured: true }, own)).toEqual({ assign: false, remove: true });
  expect(deedsOf(domain, own)).toEqual({ assign: false, remove: false });
  expect(deedsOf({ ...domain, workspace_id: 2 }, { all: false, own: false })).toEqual({ assign: false, remove: false });
});
