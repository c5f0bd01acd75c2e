import { queryOptions } from "@tanstack/react-query";
import { getSystem } from "../../api/generated";
import { unwrap } from "../../api/http";

export const REFRESH_MS = 5_000;

/** How the node that answers does; asked again and again while somebody looks. */
export const systemQuery = queryOptions({
  queryKey: ["system"],
  queryFn: ({ signal }) => unwrap(getSystem({ signal })),
  refetchInterval: REFRESH_MS,
  staleTime: 0,
});
