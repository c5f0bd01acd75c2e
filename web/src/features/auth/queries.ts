import { queryOptions } from "@tanstack/react-query";
import { getMe, getMethods } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Problem } from "../../api/problem";

/** Who is signed in; null: nobody. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async ({ signal }) => {
    try {
      return await unwrap(getMe({ signal }));
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

/** Which ways to come in there are. */
export const methodsQuery = queryOptions({
  queryKey: ["methods"],
  queryFn: ({ signal }) => unwrap(getMethods({ signal })),
  staleTime: Number.POSITIVE_INFINITY,
});
