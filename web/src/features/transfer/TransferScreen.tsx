import { Button, Group } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { chosenWorkspace } from "../../api/http";
import { Screen } from "../../parts/Screen";
import { Section } from "../../parts/Section";
import { meQuery } from "../auth/queries";
import { ImportForm } from "./ImportForm";
import { saveExport } from "./saveExport";

/** Links out of files and into them. */
export function TransferScreen() {
  const { t } = useTranslation();
  const { data: me } = useQuery(meQuery);
  return (
    <Screen title={t("transfer.title")} width={960}>
      {me?.permissions.includes("links:write") && (
        <Section title={t("transfer.importTitle")} hint={t("transfer.importHint")}>
          <ImportForm />
        </Section>
      )}
      <Section title={t("transfer.exportTitle")} hint={t("transfer.exportHint")}>
        <Group>
          {(["csv", "json"] as const).map((format) => (
            <Button
              key={format}
              variant="default"
              leftSection={<IconDownload size={16} aria-hidden />}
              onClick={() => saveExport(format, chosenWorkspace())}
            >
              {format.toUpperCase()}
            </Button>
          ))}
        </Group>
      </Section>
    </Screen>
  );
}
