import { expect, test } from "vitest";
import { bookmarklet, readShared, sharedAddress } from "./bookmarklet";

test("the bookmark opens the page for sharing with the address one is at", () => {
  expect(bookmarklet("https://sho.rt")).toBe(
    'javascript:void(open("https://sho.rt/app/share?url="+encodeURIComponent(location.href)))',
  );
});

test.each([
  [{ url: "https://example.com/a" }, "https://example.com/a"],
  [{ text: "Look: https://example.com/b now" }, "https://example.com/b"],
  [{ title: "x", text: "nothing" }, ""],
  [{ url: "javascript:alert(1)" }, ""],
])("what was shared as %o is %s", (given, address) => {
  expect(sharedAddress(readShared(given))).toBe(address);
});

test("what is no text was not shared", () => {
  expect(readShared({ url: 1, text: ["https://example.com"] })).toEqual({});
});
