import { getRouteApi } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Screen } from "../../parts/Screen";
import { ExportMenu } from "./ExportMenu";
import { Statistics } from "./Statistics";

const route = getRouteApi("/inside/app/analytics");

/** The clicks on all links of the workspace together. */
export function AnalyticsScreen() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Screen title={t("stats.analytics")} actions={<ExportMenu of={null} search={search} />}>
      <Statistics
        of={null}
        search={search}
        onChange={(changes) => navigate({ search: (was) => ({ ...was, ...changes }), replace: false })}
      />
    </Screen>
  );
}
