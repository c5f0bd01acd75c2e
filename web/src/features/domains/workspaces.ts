import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { workspacesQuery } from "../auth/queries";
import { useMay } from "../auth/useMay";

/** Return what names a workspace by its number; one that is not among those read is named by the number itself. */
export function useWorkspaceName(): (id: number) => string {
  const { t } = useTranslation();
  const workspaces = useQuery(workspacesQuery(useMay("installation"))).data;
  return (id) => workspaces?.find((workspace) => workspace.id === id)?.name ?? t("domains.workspace", { id });
}
