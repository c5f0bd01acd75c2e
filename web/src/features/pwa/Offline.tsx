import { Alert } from "@mantine/core";
import { useNetwork } from "@mantine/hooks";
import { IconPlugConnectedX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

/** Says above every screen that there is no connection; nothing while there is one. */
export function Offline() {
  const { t } = useTranslation();
  const { online } = useNetwork();
  return (
    <div role="status">
      {!online && (
        <Alert color="yellow" mb="md" icon={<IconPlugConnectedX aria-hidden />} title={t("state.offline")}>
          {t("pwa.offline")}
        </Alert>
      )}
    </div>
  );
}
