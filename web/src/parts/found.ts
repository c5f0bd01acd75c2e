import type { TFunction } from "i18next";
import { formatNumber } from "../i18n/format";

/** Say how many a list has found, as far as it was read; undefined while it is being asked for. */
export function foundOf(query: Found, t: TFunction): string | undefined {
  if (query.isPlaceholderData || !query.data) return undefined;
  const count = query.data.pages.reduce((sum, page) => sum + page.items.length, 0);
  return t(query.hasNextPage ? "state.foundMore" : "state.found", { count, number: formatNumber(count) });
}

interface Found {
  data?: { pages: { items: unknown[] }[] };
  isPlaceholderData: boolean;
  hasNextPage: boolean;
}
