import { infiniteQueryOptions, type QueryClient } from "@tanstack/react-query";
import { type LinkOut, listLinks } from "../../api/generated";
import { unwrap } from "../../api/http";
import type { LinkSearch } from "./search";

export const PAGE = 100;

/** Pages of links, each begun where the one before ended. */
export const linksQuery = (search: LinkSearch, limit = PAGE) =>
  infiniteQueryOptions({
    queryKey: ["links", search, limit],
    queryFn: ({ signal, pageParam }) =>
      unwrap(
        listLinks({
          query: {
            search: search.q ?? "",
            tag: search.tag ?? [],
            folder: search.folder,
            domain: search.domain,
            state: search.state,
            sort: search.sort ?? "-created_at",
            limit,
            cursor: pageParam,
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (previous) => previous,
  });

/** Links changed: what was read of them is out of date. */
export const refreshLinks = (cache: QueryClient) => cache.invalidateQueries({ queryKey: ["links"] });

/** A link's identity in lists. */
export const keyOf = (link: LinkOut) => `${link.domain}/${link.slug}`;
