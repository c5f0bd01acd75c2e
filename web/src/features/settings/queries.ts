import { queryOptions } from "@tanstack/react-query";
import { listSettings } from "../../api/generated";
import { unwrap } from "../../api/http";

/** The settings in effect; they change only by a restart. */
export const settingsQuery = queryOptions({
  queryKey: ["settings"],
  queryFn: ({ signal }) => unwrap(listSettings({ signal })),
  staleTime: Number.POSITIVE_INFINITY,
});
