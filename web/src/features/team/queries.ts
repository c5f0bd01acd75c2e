import { infiniteQueryOptions } from "@tanstack/react-query";
import { listInvitations, listMembers, type NewInvitation } from "../../api/generated";
import { unwrap } from "../../api/http";

export type Role = NewInvitation["role"];
export const ROLES: Role[] = ["viewer", "editor", "admin"];
const PAGE = 100;

export const membersQuery = (workspace: number) =>
  infiniteQueryOptions({
    queryKey: ["team", workspace, "members"],
    queryFn: ({ signal, pageParam }) =>
      unwrap(listMembers({ path: { workspace_id: workspace }, query: { limit: PAGE, cursor: pageParam }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const invitationsQuery = (workspace: number) =>
  infiniteQueryOptions({
    queryKey: ["team", workspace, "invitations"],
    queryFn: ({ signal, pageParam }) =>
      unwrap(listInvitations({ path: { workspace_id: workspace }, query: { limit: PAGE, cursor: pageParam }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
