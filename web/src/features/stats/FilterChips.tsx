import { Alert, Button, Group, Pill, Stack, Text } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { SampleOut } from "../../api/generated";
import { formatMoment, formatNumber } from "../../i18n/format";
import { type Filter, filtersOf, NO_FILTERS, type StatsSearch } from "./search";
import { shownAs } from "./values";

interface ChipsProps {
  search: StatsSearch;
  onChange: (changes: Partial<StatsSearch>) => void;
  /** What the statistics were added up from. */
  sample?: SampleOut | null;
}

/** The filters that are set, each to be taken away, and how much is known of what they leave. */
export function FilterChips({ search, onChange, sample }: ChipsProps) {
  const { t } = useTranslation();
  const filters = Object.entries(filtersOf(search)) as [Filter, string][];
  if (filters.length === 0) return null;
  return (
    <Stack gap="xs">
      <Group gap="xs" role="group" aria-label={t("filters.title")}>
        {filters.map(([dimension, value]) => {
          const label = `${t(`stats.dimensions.${dimension}`)}: ${shownAs(dimension, value)}`;
          return (
            <Pill
              key={dimension}
              size="md"
              withRemoveButton
              onRemove={() => onChange({ [dimension]: undefined })}
              removeButtonProps={{
                "aria-label": t("links.unfilter", { filter: label }),
                tabIndex: 0,
                "aria-hidden": false,
                size: 24,
              }}
            >
              {label}
            </Pill>
          );
        })}
        <Button size="compact-sm" variant="subtle" onClick={() => onChange(NO_FILTERS)}>
          {t("links.unfilterAll")}
        </Button>
      </Group>
      <Text size="sm" c="dimmed">
        {t("filters.hint")}
      </Text>
      {sample && !sample.complete && (
        <Alert role="status" color="yellow" icon={<IconInfoCircle aria-hidden />}>
          {t("filters.incomplete", { number: formatNumber(sample.visits), since: formatMoment(sample.since) })}
        </Alert>
      )}
    </Stack>
  );
}
