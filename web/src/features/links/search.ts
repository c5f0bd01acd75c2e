/** What the list of links is narrowed and sorted by; lives in the address, so that it can be shared and gone back to. */
export interface LinkSearch {
  q?: string;
  tag?: string[];
  folder?: string;
  domain?: string;
  owner?: string;
  state?: LinkState;
  since?: string;
  until?: string;
  sort?: Sort;
}

export const STATES = ["active", "scheduled", "expired", "exhausted", "disabled", "banned", "archived"] as const;
export type LinkState = (typeof STATES)[number];

export const SORTS = [
  "-created_at",
  "created_at",
  "-updated_at",
  "-clicks",
  "clicks",
  "slug",
  "-slug",
  "title",
] as const;
export type Sort = (typeof SORTS)[number];

/** Read an address's parameters; what makes no sense is left out. */
export function readLinkSearch(given: Record<string, unknown>): LinkSearch {
  const found: LinkSearch = {};
  for (const name of ["q", "folder", "domain", "owner"] as const) {
    const value = given[name];
    if (typeof value === "string" && value) found[name] = value;
  }
  const tags = [given.tag].flat().filter((tag): tag is string => typeof tag === "string" && tag !== "");
  if (tags.length) found.tag = tags;
  if (STATES.includes(given.state as LinkState)) found.state = given.state as LinkState;
  for (const name of ["since", "until"] as const) {
    const value = given[name];
    if (typeof value === "string" && /^2[01]\d\d-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value)))
      found[name] = value;
  }
  if (SORTS.includes(given.sort as Sort)) found.sort = given.sort as Sort;
  return found;
}

/** The first moment of a day in this browser's time zone, and the first one after it. */
export const dayStart = (day: string) => new Date(`${day}T00:00`).toISOString();

export function dayEnd(day: string): string {
  const next = new Date(`${day}T00:00`);
  next.setDate(next.getDate() + 1);
  return next.toISOString();
}

/** A view as it is saved, and back; parameters that are empty are left out. */
export const queryOf = (search: LinkSearch) =>
  new URLSearchParams(
    Object.entries(search).flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)])),
  ).toString();

export function searchOf(query: string): LinkSearch {
  const given = new URLSearchParams(query);
  return readLinkSearch({ ...Object.fromEntries(given), tag: given.getAll("tag") });
}
