import { region } from "../../i18n/format";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

/** A size in the largest unit of 1024 that leaves at least one, as the locale writes it. */
export function formatBytes(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return new Intl.NumberFormat(region(), {
    style: "unit",
    unit: UNITS[step] as string,
    unitDisplay: "short",
    maximumFractionDigits: step ? 1 : 0,
  }).format(bytes / 1024 ** step);
}

/** A time in its largest unit: seconds, minutes, hours or days. */
export function formatSpan(seconds: number): string {
  const [unit, length] = seconds < 60 ? ["second", 1] : seconds < 3600 ? ["minute", 60] : LONGER(seconds);
  return new Intl.NumberFormat(region(), {
    style: "unit",
    unit: unit as string,
    unitDisplay: "long",
    maximumFractionDigits: unit === "second" && seconds < 10 ? 1 : 0,
  }).format(seconds / (length as number));
}

const LONGER = (seconds: number) => (seconds < 172_800 ? ["hour", 3600] : ["day", 86_400]);
