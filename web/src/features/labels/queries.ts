import { infiniteQueryOptions } from "@tanstack/react-query";
import { listFolders, listTags } from "../../api/generated";
import { unwrap } from "../../api/http";
import type { Kind } from "./relabel";

const PAGE = 100;

/** Tags or folders by name, with how many links have them. */
export const labelsQuery = (kind: Kind, search: string) =>
  infiniteQueryOptions({
    queryKey: ["labels", kind, search],
    queryFn: ({ signal, pageParam }) => {
      const list = kind === "tag" ? listTags : listFolders;
      return unwrap(list({ query: { search, limit: PAGE, cursor: pageParam }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (previous) => previous,
  });
