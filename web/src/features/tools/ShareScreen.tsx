import { Text } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Screen } from "../../parts/Screen";
import { Shorten } from "../home/Shorten";
import { sharedAddress } from "./bookmarklet";

const route = getRouteApi("/inside/app/share");

/** Where the bookmark and other apps lead: the address is filled in, and nothing is made until Enter. */
export function ShareScreen() {
  const { t } = useTranslation();
  const address = sharedAddress(route.useSearch());
  return (
    <Screen title={t("tools.shareTitle")} width={720}>
      {!address && <Text c="dimmed">{t("tools.nothingShared")}</Text>}
      <Shorten initial={address} />
    </Screen>
  );
}
