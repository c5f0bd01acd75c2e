import { Skeleton, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { formatNumber } from "../../i18n/format";
import { useAnnounced } from "../../parts/announce";
import { Failed } from "../../parts/States";
import { Breakdowns } from "./Breakdowns";
import { Figures } from "./Figures";
import { FilterChips } from "./FilterChips";
import { HeatMap } from "./HeatMap";
import { OverTime } from "./OverTime";
import { PeriodPicker } from "./PeriodPicker";
import { type Of, statsQuery } from "./queries";
import type { StatsSearch } from "./search";
import { Visits } from "./Visits";
import { WorldMap } from "./WorldMap";

interface StatisticsProps {
  of: Of;
  search: StatsSearch;
  onChange: (changes: Partial<StatsSearch>) => void;
}

/** What the screens of one link and of all have in common. */
export function Statistics({ of, search, onChange }: StatisticsProps) {
  const { t } = useTranslation();
  const stats = useQuery(statsQuery(of, search));
  const bots = search.bots ?? false;
  const { isPlaceholderData, data } = stats;
  const clicks = data && (bots ? data.clicks : data.humans);
  const told = isPlaceholderData || clicks === undefined ? undefined : `${t("stats.clicks")}: ${formatNumber(clicks)}`;
  useAnnounced(JSON.stringify([of, search]), told);
  return (
    <Stack gap="lg">
      <PeriodPicker search={search} onChange={onChange} />
      <FilterChips search={search} onChange={onChange} sample={stats.data?.sample} />
      {stats.isPending ? (
        <Stack role="status" aria-label={t("state.waiting")}>
          <Skeleton height={104} />
          <Skeleton height={380} />
          <Skeleton height={240} />
        </Stack>
      ) : stats.isLoadingError ? (
        <Failed error={stats.error} onRetry={stats.refetch} />
      ) : (
        <>
          <Figures stats={stats.data} bots={bots} />
          <OverTime
            stats={stats.data}
            bots={bots}
            onZoom={(since, until) => onChange({ period: undefined, since, until })}
          />
          <Breakdowns stats={stats.data} search={search} onChange={onChange} />
          <WorldMap of={of} search={search} />
          <HeatMap cells={stats.data.heatmap} tz={stats.data.tz} />
          <Visits of={of} search={search} />
        </>
      )}
    </Stack>
  );
}
