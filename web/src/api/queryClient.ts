import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { Problem } from "./problem";

const TRIES = 2;

/** Refusals are answers and not tried again; silence and overload are. */
function shouldRetry(failures: number, error: unknown): boolean {
  if (failures >= TRIES) return false;
  return !(error instanceof Problem) || error.status === 0 || error.status === 503;
}

/** A session that was ended elsewhere shows at the next request: from then on nobody is signed in here. */
function noticeEnd(error: unknown) {
  if (error instanceof Problem && error.code === "unauthenticated") queryClient.setQueryData(["me"], null);
}

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noticeEnd }),
  mutationCache: new MutationCache({ onError: noticeEnd }),
  defaultOptions: { queries: { retry: shouldRetry, staleTime: 10_000 }, mutations: { retry: false } },
});
