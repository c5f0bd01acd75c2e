import { queryOptions } from "@tanstack/react-query";
import { getShare } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Problem } from "../../api/problem";
import type { Of } from "./queries";

/** The page by which a link's statistics are shared; null: they are not. */
export const shareQuery = (of: NonNullable<Of>) =>
  queryOptions({
    queryKey: ["share", of],
    queryFn: async ({ signal }) => {
      try {
        return await unwrap(getShare({ path: { slug: of.slug }, query: { domain: of.domain }, signal }));
      } catch (error) {
        if (error instanceof Problem && error.code === "not_shared") return null;
        throw error;
      }
    },
    staleTime: 0,
  });
