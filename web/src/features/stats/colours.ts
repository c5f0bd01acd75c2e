import { useComputedColorScheme } from "@mantine/core";

export interface Colours {
  first: string;
  second: string;
  text: string;
  line: string;
  page: string;
}

const LIGHT: Colours = { first: "#1f63d6", second: "#b3440c", text: "#495057", line: "#dee2e6", page: "#ffffff" };
const DARK: Colours = { first: "#76a2f2", second: "#ffb076", text: "#c9c9c9", line: "#424242", page: "#242424" };

/** What charts are drawn in: each at least 3 to 1 against the page, text 4.5 to 1. */
export const useColours = () => (useComputedColorScheme("light") === "dark" ? DARK : LIGHT);
