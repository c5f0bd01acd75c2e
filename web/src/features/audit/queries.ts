import { infiniteQueryOptions } from "@tanstack/react-query";
import { type ListAuditData, listAudit } from "../../api/generated";
import { unwrap } from "../../api/http";

export interface AuditSearch {
  actor?: string;
  action?: string;
  /** Days in local time, both inclusive, as `2026-11-29`. */
  from?: string;
  to?: string;
  everywhere?: boolean;
}

/** Return the filters that an address has; what is not one of them, or no day, is left out. */
export function readAuditSearch(search: Record<string, unknown>): AuditSearch {
  const word = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
  const day = (value: unknown) => {
    const given = word(value);
    return given && /^\d{4}-\d\d-\d\d$/.test(given) && !Number.isNaN(Date.parse(given)) ? given : undefined;
  };
  return {
    actor: word(search.actor),
    action: word(search.action),
    from: day(search.from),
    to: day(search.to),
    everywhere: search.everywhere === true || undefined,
  };
}

/** Return what the API is asked; a day lasts from one local midnight to the next. */
export function filtersOf({ actor, action, from, to, everywhere }: AuditSearch): NonNullable<ListAuditData["query"]> {
  const end = to ? new Date(`${to}T00:00`) : null;
  end?.setDate(end.getDate() + 1);
  return {
    actor,
    action,
    since: from ? new Date(`${from}T00:00`).toISOString() : undefined,
    until: end?.toISOString(),
    everywhere: everywhere ?? false,
  };
}

/** Entries of the audit log, newest first. */
export const auditQuery = (search: AuditSearch) =>
  infiniteQueryOptions({
    queryKey: ["audit", search],
    queryFn: ({ signal, pageParam }) =>
      unwrap(listAudit({ query: { ...filtersOf(search), limit: 50, cursor: pageParam }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

/** Return the address that exports what the filters find as JSON lines. */
export function exportUrl(search: AuditSearch): string {
  const given = Object.entries(filtersOf(search)).filter(([, value]) => value !== undefined);
  return `/api/v1/audit/export?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}
