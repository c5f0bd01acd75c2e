import i18next from "i18next";
import type { Dimension } from "./queries";

/** A value of a dimension as people read it; what `Intl` has no name for stays as it is. */
export function nameOf(dimension: Dimension, value: string): string {
  if (value === "(other)") return i18next.t("stats.other");
  if (dimension === "country") return named("region", value);
  if (dimension === "language") return named("language", value);
  return value;
}

/** The same for a value that may be missing. */
export function shownAs(dimension: Dimension, value: string): string {
  if (value) return nameOf(dimension, value);
  return i18next.t(dimension === "referrer" ? "stats.direct" : "stats.unknown");
}

function named(type: "region" | "language", value: string): string {
  try {
    return new Intl.DisplayNames(i18next.language, { type }).of(value) ?? value;
  } catch {
    return value;
  }
}
