import { keepPreviousData, type QueryClient, queryOptions } from "@tanstack/react-query";
import { listAttention, listLinks, listTopLinks } from "../../api/generated";
import { unwrap } from "../../api/http";
import { linksQuery } from "../links/queries";
import { statsQuery } from "../stats/queries";

const FEW = 3;
const RECENT = 8;
export const TOP = 5;

/** Sums of today and of the last seven days, and of the time before each. */
export const todayQuery = { ...statsQuery(null, { period: "today" }, 1), refetchInterval: 60_000 };
export const weekQuery = { ...statsQuery(null, { period: "7d" }, 1), refetchInterval: 60_000 };

/** The links that were made last. */
export const recentQuery = linksQuery({}, RECENT);

/** Links that somebody should look at; out of date whenever links change. */
export const attentionQuery = queryOptions({
  queryKey: ["links", "attention"],
  queryFn: ({ signal }) => unwrap(listAttention({ query: { limit: FEW }, signal })),
  refetchInterval: 300_000,
});

/** Since when clicks are counted. */
export type Span = "today" | "week" | "ever";
export const SPAN: Span = "week";

/** The links that are clicked most; whether others might have come before the last of them is known, too. */
export const topQuery = (span: Span) =>
  queryOptions({
    queryKey: ["links", "top", span],
    queryFn: async ({ signal }) => {
      if (span === "ever") {
        const { items } = await unwrap(listLinks({ query: { sort: "-clicks", limit: TOP }, signal }));
        return { items: items.filter((link) => link.clicks > 0), complete: true };
      }
      const { items, complete } = await unwrap(
        listTopLinks({ query: { days: span === "today" ? 1 : 7, limit: TOP }, signal }),
      );
      return { items: items.map((link) => ({ ...link, clicks: link.clicks - link.bots })), complete };
    },
    refetchInterval: 60_000,
    placeholderData: keepPreviousData,
  });

/** Ask anew for everything on the screen that clicks change. */
export function refreshCounts(cache: QueryClient) {
  for (const { queryKey } of [todayQuery, weekQuery, recentQuery, { queryKey: ["links", "top"] }]) {
    cache.invalidateQueries({ queryKey });
  }
}
