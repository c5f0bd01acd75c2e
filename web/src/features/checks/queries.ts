import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { getLinkCheck, listBrokenLinks } from "../../api/generated";
import { unwrap } from "../../api/http";

const PAGE = 50;

/** What is known to be wrong with a link's target; out of date whenever links change. */
export const checkQuery = (slug: string, domain?: string) =>
  queryOptions({
    queryKey: ["links", "check", slug, domain ?? ""],
    queryFn: ({ signal }) => unwrap(getLinkCheck({ path: { slug }, query: { domain }, signal })),
  });

/** Pages of links whose targets no longer answer; one that the server had to leave empty is asked on from. */
export const brokenQuery = infiniteQueryOptions({
  queryKey: ["links", "broken"],
  queryFn: async ({ signal, pageParam }) => {
    const page = (cursor?: string) => unwrap(listBrokenLinks({ query: { limit: PAGE, cursor }, signal }));
    let found = await page(pageParam);
    while (found.items.length === 0 && found.next_cursor !== null) found = await page(found.next_cursor);
    return found;
  },
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next_cursor ?? undefined,
});
