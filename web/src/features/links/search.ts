/** What the list of links is narrowed and sorted by; lives in the address, so that it can be shared and gone back to. */
export interface LinkSearch {
  q?: string;
  tag?: string[];
  folder?: string;
  domain?: string;
  state?: LinkState;
  sort?: Sort;
}

export const STATES = ["active", "scheduled", "expired", "exhausted", "disabled", "archived"] as const;
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
  if (typeof given.q === "string" && given.q) found.q = given.q;
  const tags = [given.tag].flat().filter((tag): tag is string => typeof tag === "string" && tag !== "");
  if (tags.length) found.tag = tags;
  if (typeof given.folder === "string" && given.folder) found.folder = given.folder;
  if (typeof given.domain === "string" && given.domain) found.domain = given.domain;
  if (STATES.includes(given.state as LinkState)) found.state = given.state as LinkState;
  if (SORTS.includes(given.sort as Sort)) found.sort = given.sort as Sort;
  return found;
}
