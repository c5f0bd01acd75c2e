import { queryOptions } from "@tanstack/react-query";
import { getMe, getMethods, listWorkspaces, type Me } from "../../api/generated";
import { chooseWorkspace, chosenWorkspace, unwrap } from "../../api/http";
import { Problem } from "../../api/problem";

export type Permission = Me["permissions"][number];

/** Who is signed in; null: nobody. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async ({ signal }) => {
    try {
      return await unwrap(getMe({ signal }));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 401) return null;
      if (error.code !== "workspace_not_found" || chosenWorkspace() === null) throw error;
      chooseWorkspace(null); // it is gone, or belongs to whoever used this browser before
      return await unwrap(getMe({ signal }));
    }
  },
  staleTime: 60_000,
});

/** Which ways to come in there are. */
export const methodsQuery = queryOptions({
  queryKey: ["methods"],
  queryFn: ({ signal }) => unwrap(getMethods({ signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

/** One's own workspaces, the oldest membership first; the first page of all, for those who look after the installation. */
export const workspacesQuery = (all: boolean) =>
  queryOptions({
    queryKey: ["workspaces", { all }],
    queryFn: async ({ signal }) => (await unwrap(listWorkspaces({ query: { all, limit: 200 }, signal }))).items,
    staleTime: 60_000,
  });

/** Say whether an error tells that the installation asks for a second factor first. */
export const asksForSecondFactor = (error: unknown) =>
  error instanceof Problem && error.code === "second_factor_required";
