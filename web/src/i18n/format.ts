import i18next from "i18next";
import { localeOf } from ".";

/** The locale that is shown, with the region that the browser asks for: en-GB writes other dates than en. */
export const region = () => navigator.languages.find((tag) => localeOf(tag) === i18next.language) ?? i18next.language;

/** Numbers and moments as the chosen locale writes them. */
export const formatNumber = (value: number) => new Intl.NumberFormat(region()).format(value);

export const formatShort = (value: number) =>
  new Intl.NumberFormat(region(), { notation: "compact", maximumFractionDigits: 1 }).format(value);

export const formatPercent = (share: number) =>
  new Intl.NumberFormat(region(), { style: "percent", maximumFractionDigits: 1 }).format(share);

export const formatDay = (moment: string | Date) =>
  new Intl.DateTimeFormat(region(), { dateStyle: "medium" }).format(new Date(moment));

export const formatMoment = (moment: string | Date) =>
  new Intl.DateTimeFormat(region(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(moment));

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** "3 hours ago", in whole units; `now` in unix milliseconds. */
export function formatAgo(moment: string | Date, now = Date.now()): string {
  const seconds = (new Date(moment).getTime() - now) / 1000;
  const style = new Intl.RelativeTimeFormat(region(), { numeric: "auto" });
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return style.format(Math.trunc(seconds / length), unit);
  }
  return style.format(Math.trunc(seconds), "second");
}
