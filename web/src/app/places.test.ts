import { expect, test } from "vitest";
import { placesFor } from "./places";

const shown = (permissions: Parameters<typeof placesFor>[0]) =>
  placesFor(permissions)
    .flat()
    .map(({ to }) => to);

test("nobody is shown the way to what they may not do", () => {
  expect(shown(["links:read", "stats:read", "domains:read"])).not.toContain("/app/team");
  const admin = shown(["links:read", "users:read", "keys:read", "audit:read"]);
  expect(admin).toEqual(expect.arrayContaining(["/app/team", "/app/keys", "/app/audit"]));
  expect(admin).not.toContain("/app/people");
  expect(shown(["installation"])).toContain("/app/people");
});
