import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Screen } from "../../parts/Screen";
import { Waiting } from "../../parts/States";
import { meQuery } from "../auth/queries";
import { Invitations } from "./Invitations";
import { Members } from "./Members";
import { WorkspaceSection } from "./WorkspaceSection";

/** The people of the workspace that one is in, those invited into it, and the workspace itself. */
export function Team() {
  const { t } = useTranslation();
  const me = useQuery(meQuery).data;
  if (!me) return <Waiting label={t("state.waiting")} />;
  return (
    <Screen title={t("nav.team")} width={960}>
      <Members workspace={me.workspace_id} myself={me.user?.id} />
      <Invitations workspace={me.workspace_id} />
      {me.permissions.includes("workspace:write") && <WorkspaceSection workspace={me.workspace_id} />}
    </Screen>
  );
}
