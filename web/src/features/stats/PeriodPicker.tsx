import { Button, Group, Popover, Select, Stack, Switch, TextInput } from "@mantine/core";
import { IconCalendar } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { formatDay, formatMoment } from "../../i18n/format";
import { DEFAULT_PERIOD, dayAfter, ownZone, PERIODS, type Period, type StatsSearch } from "./search";

interface PickerProps {
  search: StatsSearch;
  onChange: (changes: Partial<StatsSearch>) => void;
}

/** Period, time zone, comparison and bots: everything that the address keeps. */
export function PeriodPicker({ search, onChange }: PickerProps) {
  const { t } = useTranslation();
  const custom = search.since !== undefined;
  const zones = [...new Set(["UTC", ownZone(), ...Intl.supportedValuesOf("timeZone")])];
  return (
    <Group gap="sm" align="flex-end">
      <Select
        label={t("stats.period")}
        data={[
          ...PERIODS.map((period) => ({ value: period as string, label: t(`stats.periods.${period}`) })),
          ...(custom ? [{ value: "custom", label: rangeOf(search) }] : []),
        ]}
        value={custom ? "custom" : (search.period ?? DEFAULT_PERIOD)}
        onChange={(value) =>
          value && value !== "custom" && onChange({ period: value as Period, since: undefined, until: undefined })
        }
        allowDeselect={false}
        w={200}
      />
      <CustomRange key={`${search.since}/${search.until}`} search={search} onChange={onChange} />
      <Select
        label={t("stats.zone")}
        data={zones}
        value={search.tz ?? ownZone()}
        onChange={(tz) => tz && onChange({ tz: tz === ownZone() ? undefined : tz })}
        searchable
        limit={50}
        allowDeselect={false}
        w={200}
      />
      <Stack gap={6} pb={4}>
        <Switch
          label={t("stats.compare")}
          checked={search.compare ?? true}
          onChange={(event) => onChange({ compare: event.currentTarget.checked ? undefined : false })}
        />
        <Switch
          label={t("stats.withBots")}
          checked={search.bots ?? false}
          onChange={(event) => onChange({ bots: event.currentTarget.checked || undefined })}
        />
      </Stack>
    </Group>
  );
}

function CustomRange({ search, onChange }: PickerProps) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  const [first, setFirst] = useState(search.since?.slice(0, 10) ?? "");
  const [last, setLast] = useState(search.until ? lastDay(search.until) : "");
  const backwards = first !== "" && last !== "" && last < first;
  return (
    <Popover opened={opened} onChange={setOpened} trapFocus position="bottom-start" withinPortal>
      <Popover.Target>
        <Button
          variant="default"
          leftSection={<IconCalendar size={16} aria-hidden />}
          onClick={() => setOpened((was) => !was)}
        >
          {t("stats.custom")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!first || backwards) return;
            onChange({ period: undefined, since: first, until: last ? dayAfter(last) : undefined });
            setOpened(false);
          }}
        >
          <Stack gap="sm">
            <TextInput
              type="date"
              label={t("stats.firstDay")}
              value={first}
              onChange={(event) => setFirst(event.currentTarget.value)}
              required
            />
            <TextInput
              type="date"
              label={t("stats.lastDay")}
              value={last}
              min={first}
              onChange={(event) => setLast(event.currentTarget.value)}
              error={backwards ? t("stats.backwards") : undefined}
            />
            <Button type="submit">{t("stats.show")}</Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

/** The last day that a period has, whose end is exclusive. */
const lastDay = (until: string) => (until.length === 10 ? dayAfter(until, -1) : until.slice(0, 10));

function rangeOf({ since = "", until }: StatsSearch): string {
  const days = since.length === 10;
  const from = days ? formatDay(since) : formatMoment(since);
  if (!until) return `${from} –`;
  return `${from} – ${days ? formatDay(dayAfter(until, -1)) : formatMoment(until)}`;
}
