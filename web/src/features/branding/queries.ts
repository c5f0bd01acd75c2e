import { queryOptions } from "@tanstack/react-query";
import { getBranding } from "../../api/generated";
import { unwrap } from "../../api/http";

/** How the installation looks; the same for everybody. */
export const brandingQuery = queryOptions({
  queryKey: ["branding"],
  queryFn: ({ signal }) => unwrap(getBranding({ signal })),
  staleTime: 60_000,
  refetchOnWindowFocus: true,
});
