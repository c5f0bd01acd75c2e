import { queryOptions } from "@tanstack/react-query";
import { getTotp, listPasskeys, listSessions } from "../../api/generated";
import { unwrap } from "../../api/http";

export const totpQuery = queryOptions({
  queryKey: ["security", "totp"],
  queryFn: ({ signal }) => unwrap(getTotp({ signal })),
});

export const passkeysQuery = queryOptions({
  queryKey: ["security", "passkeys"],
  queryFn: async ({ signal }) => (await unwrap(listPasskeys({ signal }))).items,
});

/** One's own sessions; this one first, then those used last. */
export const sessionsQuery = queryOptions({
  queryKey: ["security", "sessions"],
  queryFn: async ({ signal }) => {
    const { items } = await unwrap(listSessions({ signal }));
    return items.sort((a, b) => Number(b.current) - Number(a.current) || b.seen_at.localeCompare(a.seen_at));
  },
});
