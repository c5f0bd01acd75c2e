import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { QrCode } from "./QrCode";

test("the three corners are finder patterns, inside a quiet zone of four modules", () => {
  render(<QrCode text="otpauth://totp/Shortly:ada?secret=JBSWY3DPEHPK3PXP" label="code" />);
  const picture = screen.getByRole("img", { name: "code" });
  const last = Number(picture.getAttribute("viewBox")?.split(" ")[2]) - 5;
  const path = picture.querySelector("path")?.getAttribute("d") ?? "";
  const dark = (x: number, y: number) => path.includes(`M${x} ${y}h1`);
  for (const [x, y] of [
    [4, 4],
    [last - 6, 4],
    [4, last - 6],
  ] as const) {
    expect([dark(x, y), dark(x + 1, y + 1), dark(x + 3, y + 3), dark(x + 6, y + 6)]).toEqual([true, false, true, true]);
  }
  expect([dark(3, 4), dark(4, 3), dark(last + 1, 4)]).toEqual([false, false, false]);
});
