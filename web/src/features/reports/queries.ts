import { infiniteQueryOptions } from "@tanstack/react-query";
import { listReports, type ReportOut } from "../../api/generated";
import { unwrap } from "../../api/http";

export type State = ReportOut["state"];

/** Reports of abuse, newest first. */
export const reportsQuery = (state: State) =>
  infiniteQueryOptions({
    queryKey: ["reports", state],
    queryFn: ({ signal, pageParam }) => unwrap(listReports({ query: { state, limit: 50, cursor: pageParam }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
