import { infiniteQueryOptions } from "@tanstack/react-query";
import { listKeys, type NewKey } from "../../api/generated";
import { unwrap } from "../../api/http";

export type Scope = NewKey["scopes"][number];

/** What keys may do, with the texts that say it in plain words; those that restrictions can narrow come first. */
export const SCOPES: { scope: Scope; text: string; narrow: boolean }[] = [
  { scope: "links:read", text: "keys.scopes.readLinks", narrow: true },
  { scope: "links:write", text: "keys.scopes.writeLinks", narrow: true },
  { scope: "stats:read", text: "keys.scopes.readStats", narrow: true },
  { scope: "domains:*", text: "keys.scopes.domains", narrow: false },
  { scope: "users:*", text: "keys.scopes.users", narrow: false },
  { scope: "metrics:read", text: "keys.scopes.readMetrics", narrow: false },
  { scope: "admin", text: "keys.scopes.admin", narrow: false },
];

/** The workspace's keys, oldest first. */
export const keysQuery = infiniteQueryOptions({
  queryKey: ["keys"],
  queryFn: ({ signal, pageParam }) => unwrap(listKeys({ query: { limit: 100, cursor: pageParam }, signal })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next_cursor ?? undefined,
});
