import { Box, Group, Select, SimpleGrid, Stack, Text, UnstyledButton } from "@mantine/core";
import { IconFilterFilled } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { StatsOut } from "../../api/generated";
import { formatNumber, formatPercent } from "../../i18n/format";
import { Section } from "../../parts/Section";
import { type Dimension, GROUPS } from "./queries";
import { isFilter, type StatsSearch } from "./search";
import { shownAs } from "./values";

const OTHER = "(other)";

interface BreakdownsProps {
  stats: StatsOut;
  search: StatsSearch;
  onChange: (changes: Partial<StatsSearch>) => void;
}

/** What the clicks have in common, one dimension of each group at a time; everything can be narrowed by a value. */
export function Breakdowns(props: BreakdownsProps) {
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      {(Object.keys(GROUPS) as (keyof typeof GROUPS)[]).map((group) => (
        <OfGroup key={group} group={group} {...props} />
      ))}
    </SimpleGrid>
  );
}

function OfGroup({ group, stats, search, onChange }: BreakdownsProps & { group: keyof typeof GROUPS }) {
  const { t } = useTranslation();
  const dimensions: readonly Dimension[] = GROUPS[group];
  const [dimension, setDimension] = useState<Dimension>(dimensions[0] as Dimension);
  const values = stats.breakdowns[dimension] ?? [];
  const unknown = stats.unknown[dimension] ?? 0;
  const total = values.reduce((sum, value) => sum + value.clicks, unknown);
  const rows = values.map((value) => ({ name: shownAs(dimension, value.value), ...value }));
  if (unknown > 0 && group !== "others") {
    rows.push({ name: shownAs(dimension, ""), value: "", clicks: unknown, share: unknown / total });
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
            <Bar key={row.value || "unknown"} share={row.share}>
              {isFilter(dimension) && row.value !== OTHER ? (
                <Narrowing
                  name={row.name}
                  label={t("filters.by", { dimension: t(`stats.dimensions.${dimension}`), value: row.name })}
                  pressed={search[dimension] === row.value}
                  onToggle={(pressed) => onChange({ [dimension]: pressed ? row.value : undefined })}
                />
              ) : (
                <Text size="sm" truncate>
                  {row.name}
                </Text>
              )}
              <Text size="sm" style={{ fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" }}>
                {formatNumber(row.clicks)} · {formatPercent(row.share)}
              </Text>
            </Bar>
          ))}
        </Stack>
      )}
    </Section>
  );
}

function Bar({ share, children }: { share: number; children: ReactNode }) {
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
        {children}
      </Group>
    </Box>
  );
}

interface NarrowingProps {
  name: string;
  label: string;
  pressed: boolean;
  onToggle: (pressed: boolean) => void;
}

/** The name of a value; pressed, everything else is about the visits that have it. */
function Narrowing({ name, label, pressed, onToggle }: NarrowingProps) {
  return (
    <UnstyledButton
      mih={24}
      miw={0}
      style={{ flex: 1 }}
      aria-pressed={pressed}
      aria-label={label}
      title={label}
      onClick={() => onToggle(!pressed)}
    >
      <Group gap={6} wrap="nowrap">
        <Text
          size="sm"
          truncate
          td="underline"
          fw={pressed ? 700 : undefined}
          style={{ textDecorationStyle: "dotted" }}
        >
          {name}
        </Text>
        {pressed && <IconFilterFilled size={14} aria-hidden />}
      </Group>
    </UnstyledButton>
  );
}
