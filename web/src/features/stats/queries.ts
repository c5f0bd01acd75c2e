import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import {
  exportLinkStats,
  exportOverallStats,
  getLink,
  getLinkStats,
  getOverallStats,
  listLinkVisits,
  listOverallVisits,
  type OverallVisitOut,
  type StatsOut,
  type VisitOut,
} from "../../api/generated";
import { unwrap } from "../../api/http";
import { filtersOf, type StatsSearch, spanOf } from "./search";

/** Which link; null: all of the workspace. */
export type Of = { slug: string; domain?: string } | null;
export type ExportTable = "series" | "breakdowns" | "visits";

const TOP = 10;
const MANY = 200;

export const linkQuery = (slug: string, domain?: string) =>
  queryOptions({
    queryKey: ["links", "one", slug, domain ?? ""],
    queryFn: ({ signal }) => unwrap(getLink({ path: { slug }, query: { domain }, signal })),
  });

export const statsQuery = (of: Of, search: StatsSearch, limit = TOP) =>
  queryOptions({
    queryKey: ["stats", of, spanOf(search), filtersOf(search), search.compare ?? true, limit],
    queryFn: async ({ signal }): Promise<StatsOut> => {
      const query = { ...spanOf(search), ...filtersOf(search), compare: search.compare ?? true, limit };
      return of
        ? unwrap(getLinkStats({ path: { slug: of.slug }, query: { ...query, domain: of.domain }, signal }))
        : unwrap(getOverallStats({ query, signal }));
    },
    placeholderData: keepPreviousData,
  });

/** All values of one dimension that are kept apart. */
export const dimensionQuery = (of: Of, search: StatsSearch, dimension: Dimension) =>
  queryOptions({
    queryKey: ["stats", of, spanOf(search), filtersOf(search), dimension],
    queryFn: async ({ signal }): Promise<StatsOut> => {
      const query = {
        ...spanOf(search),
        ...filtersOf(search),
        compare: false,
        dimensions: [dimension],
        limit: MANY,
      };
      return of
        ? unwrap(getLinkStats({ path: { slug: of.slug }, query: { ...query, domain: of.domain }, signal }))
        : unwrap(getOverallStats({ query, signal }));
    },
  });

/** A visit; of all links together it says of which one, null: of one that was deleted. */
export type Seen = VisitOut & Partial<Pick<OverallVisitOut, "slug" | "domain">>;

export const visitsQuery = (of: Of, search: StatsSearch) =>
  infiniteQueryOptions({
    queryKey: ["visits", of, spanOf(search), filtersOf(search), search.bots ?? false],
    queryFn: async ({ signal, pageParam }): Promise<{ items: Seen[]; next_cursor: string | null }> => {
      const bots = search.bots ?? false;
      const query = { ...spanOf(search), ...filtersOf(search), bots, limit: 25, cursor: pageParam };
      return of
        ? unwrap(listLinkVisits({ path: { slug: of.slug }, query: { ...query, domain: of.domain }, signal }))
        : unwrap(listOverallVisits({ query, signal }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export async function exportTable(of: Of, search: StatsSearch, table: ExportTable, format: "csv" | "jsonl") {
  const query = { ...spanOf(search), ...filtersOf(search), table, format };
  const text = of
    ? await unwrap(
        exportLinkStats({ path: { slug: of.slug }, query: { ...query, domain: of.domain }, parseAs: "text" }),
      )
    : await unwrap(exportOverallStats({ query, parseAs: "text" }));
  return new Blob([String(text)], { type: format === "csv" ? "text/csv" : "application/jsonl" });
}

export const GROUPS = {
  sources: ["referrer", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"],
  places: ["country", "region", "city", "language"],
  devices: ["device", "os", "browser"],
  others: ["bot", "refused"],
} as const;
export type Dimension = (typeof GROUPS)[keyof typeof GROUPS][number];
