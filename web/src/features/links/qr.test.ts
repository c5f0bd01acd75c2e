import { expect, test } from "vitest";
import { contrast, isHardToScan, withLogo } from "./qr";

test("contrast is what WCAG says", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 1);
});

test("pale and inverted codes are warned of", () => {
  expect(isHardToScan("#000000", "#ffffff")).toBe(false);
  expect(isHardToScan("#000000", "transparent")).toBe(false);
  expect(isHardToScan("#cccccc", "#ffffff")).toBe(true);
  expect(isHardToScan("#ffffff", "#000000")).toBe(true);
});

test("a logo is put into the middle", () => {
  const svg = withLogo("<svg></svg>", "data:image/png;base64,AA", 100, "transparent");
  expect(svg).toMatch(/^<svg><rect .*fill="#ffffff"\/><image x="39" y="39" width="22" .*<\/svg>$/);
});
