import { Stack, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { More } from "../../parts/More";
import { Screen } from "../../parts/Screen";
import { Empty, Failed, Waiting } from "../../parts/States";
import { Concern } from "../home/Concern";
import { keyOf } from "../links/queries";
import { brokenQuery } from "./queries";

/** All links whose targets no longer answer, each with what can be done about it. */
export function BrokenScreen() {
  const { t } = useTranslation();
  const broken = useInfiniteQuery(brokenQuery);
  const items = broken.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Screen title={t("checks.title")}>
      {broken.isPending ? (
        <Waiting label={t("state.waiting")} height={300} />
      ) : broken.isLoadingError ? (
        <Failed error={broken.error} onRetry={broken.refetch} />
      ) : items.length === 0 ? (
        <Empty title={t("checks.none")} />
      ) : (
        <>
          <Text c="dimmed">{t("checks.hint")}</Text>
          <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: "none" }}>
            {items.map(({ link, trouble }) => (
              <Concern key={keyOf(link)} concern={{ link, trouble, reason: "broken", taken: null }} />
            ))}
          </Stack>
          <More query={broken} />
        </>
      )}
    </Screen>
  );
}
