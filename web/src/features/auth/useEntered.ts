import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { meQuery } from "./queries";

/** Return what leads somebody on who just came in: nothing stays of whoever was here before. */
export function useEntered() {
  const cache = useQueryClient();
  const navigate = useNavigate();
  return async (next = "/") => {
    cache.clear();
    await cache.fetchQuery(meQuery);
    await navigate({ href: next });
  };
}
