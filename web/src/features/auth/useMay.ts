import { useQuery } from "@tanstack/react-query";
import { meQuery, type Permission } from "./queries";

/** Say whether whoever is signed in may do this in the workspace that they are in. */
export function useMay(permission: Permission): boolean {
  return useQuery(meQuery).data?.permissions.includes(permission) ?? false;
}
