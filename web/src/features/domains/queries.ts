import { queryOptions } from "@tanstack/react-query";
import { type DomainOut, listDomains } from "../../api/generated";
import { unwrap } from "../../api/http";

/** The domains that links can be made on here, the usual one first; `all`: those of every workspace. */
export const domainsQuery = (all = false) =>
  queryOptions({
    queryKey: ["domains", { all }],
    queryFn: async ({ signal }) => (await unwrap(listDomains({ query: { all }, signal }))).items,
    staleTime: 10_000,
  });

/** What whoever is signed in may do with a domain. */
export function deedsOf(domain: DomainOut, may: { all: boolean; own: boolean }) {
  return {
    assign: may.all && !domain.default,
    remove: !domain.default && (may.all ? !domain.configured : may.own && domain.workspace_id !== null),
  };
}
