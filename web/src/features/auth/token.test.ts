import { expect, test } from "vitest";
import { takeToken } from "./token";

test("the token is taken out of the address, and the rest of it stays", () => {
  window.history.replaceState({ kept: 1 }, "", "/app/setup?a=b#token=se%2Bcret");
  expect(takeToken()).toBe("se+cret");
  expect(window.location.href).toMatch(/\/app\/setup\?a=b$/);
  expect(window.history.state).toEqual({ kept: 1 });
  expect(takeToken()).toBe("");
});
