import { SimpleGrid, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Failed } from "../../parts/States";
import { Figure } from "../stats/Figures";
import { todayQuery, weekQuery } from "./queries";

const HEIGHT = 106;

/** The clicks of today and of the last seven days, each with those of the time before. */
export function Totals() {
  const { t } = useTranslation();
  const today = useQuery(todayQuery);
  const week = useQuery(weekQuery);
  if (today.isLoadingError) return <Failed error={today.error} onRetry={today.refetch} />;
  if (week.isLoadingError) return <Failed error={week.error} onRetry={week.refetch} />;
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }}>
      {today.data ? (
        <Figure
          name={t("home.today")}
          value={today.data.humans}
          before={today.data.previous?.humans}
          hint={t("home.yesterday")}
        />
      ) : (
        <Skeleton height={HEIGHT} />
      )}
      {week.data ? (
        <Figure
          name={t("home.week")}
          value={week.data.humans}
          before={week.data.previous?.humans}
          hint={t("home.weekBefore")}
        />
      ) : (
        <Skeleton height={HEIGHT} />
      )}
    </SimpleGrid>
  );
}
