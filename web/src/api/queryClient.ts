import { QueryClient } from "@tanstack/react-query";
import { Problem } from "./problem";

const TRIES = 2;

/** Refusals are answers and not tried again; silence and overload are. */
function shouldRetry(failures: number, error: unknown): boolean {
  if (failures >= TRIES) return false;
  return !(error instanceof Problem) || error.status === 0 || error.status === 503;
}

export const queryClient = new QueryClient({
  defaultOptions: { queries: { retry: shouldRetry, staleTime: 10_000 }, mutations: { retry: false } },
});
