/** Dimensions that everything can be narrowed by. */
export const FILTERS = [
  "referrer",
  "utm_source",
  "utm_medium",
  "utm_campaign",
  "utm_term",
  "utm_content",
  "country",
  "region",
  "city",
  "language",
  "device",
  "os",
  "browser",
] as const;
export type Filter = (typeof FILTERS)[number];
/** The value that visits must have; empty: those without one. */
export type Filters = Partial<Record<Filter, string>>;

/** What statistics are shown; lives in the address, so that it can be shared and gone back to. */
export interface StatsSearch extends Filters {
  period?: Period;
  /** ISO 8601 date or time, inclusive; with it the period is left out. */
  since?: string;
  /** Likewise, exclusive. */
  until?: string;
  /** IANA name; the browser's zone if absent. */
  tz?: string;
  /** true: bots are counted, too. */
  bots?: boolean;
  /** false: not compared with the period before. */
  compare?: boolean;
}

export const PERIODS = ["24h", "today", "yesterday", "7d", "30d", "90d", "12mo", "month", "year", "all"] as const;
export type Period = (typeof PERIODS)[number];
export const DEFAULT_PERIOD: Period = "30d";

const MAX_VALUE = 512;
const MOMENT = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?$/;

/** Read an address's parameters; what makes no sense is left out. */
export function readStatsSearch(given: Record<string, unknown>): StatsSearch {
  const found: StatsSearch = {};
  const { since, until } = given;
  if (typeof since === "string" && MOMENT.test(since)) {
    found.since = since;
    if (typeof until === "string" && MOMENT.test(until)) found.until = until;
  } else if (PERIODS.includes(given.period as Period)) found.period = given.period as Period;
  if (typeof given.tz === "string" && given.tz) found.tz = given.tz;
  if (given.bots === true) found.bots = true;
  if (given.compare === false) found.compare = false;
  for (const name of FILTERS) {
    const value = given[name];
    if (["string", "number", "boolean"].includes(typeof value)) found[name] = String(value).slice(0, MAX_VALUE);
  }
  return found;
}

/** Return the filters among what is shown. */
export const filtersOf = (search: StatsSearch): Filters =>
  Object.fromEntries(FILTERS.flatMap((name) => (search[name] === undefined ? [] : [[name, search[name]]])));

export const isFilter = (dimension: string): dimension is Filter => FILTERS.includes(dimension as Filter);

/** What takes all filters away. */
export const NO_FILTERS: Partial<StatsSearch> = Object.fromEntries(FILTERS.map((name) => [name, undefined]));

export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** Return the period as the API is asked for it. */
export function spanOf({ period, since, until, tz }: StatsSearch) {
  const zone = tz ?? ownZone();
  return since ? { since, until, tz: zone } : { period: period ?? DEFAULT_PERIOD, tz: zone };
}

/** Return a day as many days later, both as YYYY-MM-DD. */
export function dayAfter(day: string, days = 1): string {
  const moment = new Date(`${day}T00:00:00Z`);
  moment.setUTCDate(moment.getUTCDate() + days);
  return moment.toISOString().slice(0, 10);
}
