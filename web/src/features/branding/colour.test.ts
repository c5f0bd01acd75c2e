import { expect, test } from "vitest";
import { contrast, isColour, textOn } from "./colour";

test("contrast is that of the standard", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  expect(contrast("#767676", "#ffffff")).toBeCloseTo(4.54, 2);
});

test.each(["#ffffff", "#000000", "#ffff00", "#767676", "#1f6feb", "#c2185b"])("text can be read on %s", (colour) => {
  expect(contrast(textOn(colour), colour)).toBeGreaterThanOrEqual(4.5);
});

test.each(["red", "#12345", "#1234567", "", "#gggggg"])("%s is no colour", (text) => {
  expect(isColour(text)).toBe(false);
});
