import { Box, Group, Select, SimpleGrid, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { StatsOut } from "../../api/generated";
import { formatNumber, formatPercent } from "../../i18n/format";
import { Section } from "../../parts/Section";
import { type Dimension, GROUPS } from "./queries";
import { nameOf } from "./values";

/** What the clicks have in common, one dimension of each group at a time. */
export function Breakdowns({ stats }: { stats: StatsOut }) {
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      {(Object.keys(GROUPS) as (keyof typeof GROUPS)[]).map((group) => (
        <OfGroup key={group} group={group} stats={stats} />
      ))}
    </SimpleGrid>
  );
}

function OfGroup({ group, stats }: { group: keyof typeof GROUPS; stats: StatsOut }) {
  const { t } = useTranslation();
  const dimensions: readonly Dimension[] = GROUPS[group];
  const [dimension, setDimension] = useState<Dimension>(dimensions[0] as Dimension);
  const values = stats.breakdowns[dimension] ?? [];
  const unknown = stats.unknown[dimension] ?? 0;
  const total = values.reduce((sum, value) => sum + value.clicks, unknown);
  const rows = values.map((value) => ({ name: nameOf(dimension, value.value), ...value }));
  if (unknown > 0 && group !== "others") {
    const name = dimension === "referrer" ? t("stats.direct") : t("stats.unknown");
    rows.push({ name, value: "", clicks: unknown, share: unknown / total });
  }
  return (
    <Section
      title={t(`stats.groups.${group}`)}
      actions={
        <Select
          aria-label={t("stats.by")}
          size="xs"
          w={150}
          data={dimensions.map((value) => ({ value, label: t(`stats.dimensions.${value}`) }))}
          value={dimension}
          onChange={(value) => value && setDimension(value as Dimension)}
          allowDeselect={false}
        />
      }
    >
      {rows.length === 0 ? (
        <Text c="dimmed" py="md">
          {t("stats.nothing")}
        </Text>
      ) : (
        <Stack component="ul" gap={6} m={0} p={0} style={{ listStyle: "none" }}>
          {rows.map((row) => (
            <Bar key={row.value || "unknown"} name={row.name} clicks={row.clicks} share={row.share} />
          ))}
        </Stack>
      )}
    </Section>
  );
}

function Bar({ name, clicks, share }: { name: string; clicks: number; share: number }) {
  return (
    <Box component="li" pos="relative" px={8} py={4}>
      <Box
        pos="absolute"
        inset={0}
        w={`${Math.max(1, share * 100)}%`}
        bg="var(--mantine-primary-color-light)"
        style={{ borderRadius: 6 }}
      />
      <Group pos="relative" justify="space-between" wrap="nowrap" gap="sm">
        <Text size="sm" truncate>
          {name}
        </Text>
        <Text size="sm" style={{ fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" }}>
          {formatNumber(clicks)} · {formatPercent(share)}
        </Text>
      </Group>
    </Box>
  );
}
