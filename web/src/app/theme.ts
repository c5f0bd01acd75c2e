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

/** Dark enough for white text from shade 6 on, too. */
const red: MantineColorsTuple = [
  "#fff0f0",
  "#ffdede",
  "#fdbcbc",
  "#f99595",
  "#f26f6f",
  "#e54848",
  "#d02f2f",
  "#bf2727",
  "#ab2020",
  "#951a1a",
];

/** The look of everything; `close` is how buttons are called that close something. */
export const themeWith = (close: string) => {
  const closing = { closeButtonProps: { "aria-label": close } };
  const choices = { defaultProps: { withScrollArea: false }, classNames: { options: "choices" } }; // its listbox scrolls itself
  const dialog = { defaultProps: { ...closing, attributes: { header: { role: "presentation" } } } }; // no banner
  return createTheme({
    components: {
      Modal: dialog,
      Drawer: dialog,
      Notification: { defaultProps: closing },
      Badge: { defaultProps: { variant: "light" } },
      Menu: { defaultProps: { withInitialFocusPlaceholder: false } }, // it has items alone, of which the first is data-autofocus
      Select: choices,
      MultiSelect: choices,
      Autocomplete: choices,
      TagsInput: choices,
    },
    primaryColor: "brand",
    primaryShade: 6,
    colors: { brand, red },
    defaultRadius: "md",
    fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
    fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace",
    autoContrast: true,
    respectReducedMotion: true,
    cursorType: "pointer",
  });
};
