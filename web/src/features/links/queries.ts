import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions } from "@tanstack/react-query";
import {
  checkSlug,
  getLink,
  type LinkOut,
  type ListLinksData,
  listFolders,
  listLinks,
  listTags,
  listViews,
} from "../../api/generated";
import { unwrap } from "../../api/http";
import { Problem } from "../../api/problem";
import { dayEnd, dayStart, type LinkSearch } from "./search";

export const PAGE = 100;

/** A page of links; one that the server had to leave empty although there may be more is asked on from. */
async function page(query: ListLinksData["query"], signal: AbortSignal) {
  let found = await unwrap(listLinks({ query, signal }));
  while (found.items.length === 0 && found.next_cursor !== null) {
    found = await unwrap(listLinks({ query: { ...query, cursor: found.next_cursor }, signal }));
  }
  return found;
}

/** Pages of links, each begun where the one before ended. */
export const linksQuery = (search: LinkSearch, limit = PAGE) =>
  infiniteQueryOptions({
    queryKey: ["links", search, limit],
    queryFn: ({ signal, pageParam }) =>
      page(
        {
          search: search.q ?? "",
          tag: search.tag ?? [],
          folder: search.folder,
          domain: search.domain,
          owner: search.owner,
          state: search.state,
          created_since: search.since && dayStart(search.since),
          created_until: search.until && dayEnd(search.until),
          sort: search.sort ?? "-created_at",
          limit,
          cursor: pageParam,
        },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (previous) => previous,
  });

/** One link as it is now, to be edited. */
export const linkQuery = (slug: string, domain: string) =>
  queryOptions({
    queryKey: ["links", "one", domain, slug],
    queryFn: ({ signal }) => unwrap(getLink({ path: { slug }, query: { domain }, signal })),
    staleTime: 0,
  });

/** Names of tags or folders that contain what is typed, for fields that complete them. */
export const labelsQuery = (kind: "tag" | "folder", search: string) =>
  queryOptions({
    queryKey: ["labels", kind, search],
    queryFn: async ({ signal }) => {
      const list = kind === "tag" ? listTags : listFolders;
      const page = await unwrap(list({ query: { search, limit: 50 }, signal }));
      return page.items.map((label) => label.name);
    },
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  });

/** Whether a slug can be had: "free", "taken", or why no link can have it. */
export const slugQuery = (slug: string, domain: string) =>
  queryOptions({
    queryKey: ["slugs", domain, slug],
    queryFn: async ({ signal }) => {
      try {
        const found = await unwrap(checkSlug({ path: { slug }, query: domain ? { domain } : {}, signal }));
        return found.free ? "free" : "taken";
      } catch (error) {
        if (error instanceof Problem && error.status === 422) return { refused: error.message };
        throw error;
      }
    },
    staleTime: 5_000,
    retry: false,
  });

export const viewsQuery = queryOptions({
  queryKey: ["views"],
  queryFn: async ({ signal }) => (await unwrap(listViews({ signal }))).items,
  staleTime: 60_000,
});

/** Links changed: what was read of them, and of their tags and folders, is out of date. */
export const refreshLinks = (cache: QueryClient) =>
  Promise.all([
    cache.invalidateQueries({ queryKey: ["links"] }),
    cache.invalidateQueries({ queryKey: ["labels"] }),
    cache.invalidateQueries({ queryKey: ["slugs"] }),
  ]);

/** A link's identity in lists. */
export const keyOf = (link: LinkOut) => `${link.domain}/${link.slug}`;
