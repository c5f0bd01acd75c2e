import { Card, Group, SimpleGrid, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { StatsOut } from "../../api/generated";
import { formatNumber, formatPercent } from "../../i18n/format";

/** The sums of a period, each with what it was in the period before. */
export function Figures({ stats, bots }: { stats: StatsOut; bots: boolean }) {
  const { t } = useTranslation();
  const { previous, change } = stats;
  return (
    <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
      <Figure
        name={t("stats.clicks")}
        value={bots ? stats.clicks : stats.humans}
        before={bots ? previous?.clicks : previous?.humans}
        change={bots ? change?.clicks : change?.humans}
      />
      <Figure name={t("stats.visitors")} value={stats.visitors} before={previous?.visitors} change={change?.visitors} />
      <Figure name={t("stats.bots")} value={stats.bots} before={previous?.bots} change={change?.bots} />
    </SimpleGrid>
  );
}

interface FigureProps {
  name: string;
  /** null: not known for this period. */
  value: number | null;
  before?: number | null;
  change?: number | null;
  hint?: string;
}

export function Figure({ name, value, before, change, hint }: FigureProps) {
  const { t } = useTranslation();
  return (
    <Card withBorder padding="md">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text fz={28} fw={700} lh={1.2} style={{ fontVariantNumeric: "tabular-nums" }}>
        {value === null ? "–" : formatNumber(value)}
      </Text>
      <Group gap={6} mih={22}>
        {value === null && (
          <Text size="xs" c="dimmed">
            {t("stats.wholeDays")}
          </Text>
        )}
        {change != null && (
          <Text size="sm" fw={600}>
            {change > 0 ? "▲" : change < 0 ? "▼" : "="} {formatPercent(Math.abs(change))}
          </Text>
        )}
        {before != null && (
          <Text size="sm" c="dimmed">
            {hint ? `${hint}: ${formatNumber(before)}` : t("stats.before", { number: formatNumber(before) })}
          </Text>
        )}
      </Group>
    </Card>
  );
}
