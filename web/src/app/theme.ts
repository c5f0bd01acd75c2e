import { createTheme, type MantineColorsTuple } from "@mantine/core";

/** From #1f6feb, dark enough for white text (WCAG AA) from shade 6 on. */
const brand: MantineColorsTuple = [
  "#eaf2ff",
  "#d3e2fc",
  "#a6c3f7",
  "#76a2f2",
  "#4e86ee",
  "#3474ec",
  "#1f63d6",
  "#1656bf",
  "#0a4cab",
  "#004197",
];

export const theme = createTheme({
  primaryColor: "brand",
  primaryShade: 6,
  colors: { brand },
  defaultRadius: "md",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace",
  autoContrast: true,
  respectReducedMotion: true,
  cursorType: "pointer",
});
