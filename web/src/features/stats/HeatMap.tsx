import { Box, Text, VisuallyHidden } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { formatNumber, region } from "../../i18n/format";
import { Section } from "../../parts/Section";
import { useColours } from "./colours";

const MONDAY = Date.UTC(2024, 0, 1);
const DAY_MS = 86_400_000;

/** Human clicks by weekday and hour; a table whose cells are coloured. */
export function HeatMap({ cells, tz }: { cells: number[][]; tz: string }) {
  const { t } = useTranslation();
  const { first } = useColours();
  const most = Math.max(1, ...cells.flat());
  const weekday = new Intl.DateTimeFormat(region(), { weekday: "short", timeZone: "UTC" });
  const hourName = new Intl.DateTimeFormat(region(), { hour: "numeric", timeZone: "UTC" });
  const names = cells.map((_, day) => weekday.format(MONDAY + day * DAY_MS));
  const hours = Array.from({ length: 24 }, (_, hour) => hourName.format(MONDAY + hour * 3_600_000));
  return (
    <Section title={t("stats.week")} hint={t("stats.weekHint", { zone: tz })}>
      <Box component="table" w="100%" style={{ tableLayout: "fixed", borderSpacing: 2, borderCollapse: "separate" }}>
        <caption>
          <VisuallyHidden>{t("stats.week")}</VisuallyHidden>
        </caption>
        <thead>
          <tr>
            <th scope="col" style={{ width: 40 }}>
              <VisuallyHidden>{t("stats.weekday")}</VisuallyHidden>
            </th>
            {hours.map((name, hour) => (
              <th key={name} scope="col" style={{ fontWeight: 400, overflow: "visible", textAlign: "start" }}>
                <VisuallyHidden>{name}</VisuallyHidden>
                {hour % 6 === 0 && (
                  <Text span size="xs" c="dimmed" aria-hidden>
                    {hour}
                  </Text>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {cells.map((row, day) => (
            <tr key={names[day]}>
              <th scope="row" style={{ textAlign: "start", fontWeight: 400 }}>
                <Text span size="xs">
                  {names[day]}
                </Text>
              </th>
              {row.map((clicks, hour) => (
                <td
                  key={hours[hour]}
                  title={`${names[day]} ${hours[hour]}: ${formatNumber(clicks)}`}
                  style={{
                    height: 22,
                    borderRadius: 3,
                    padding: 0,
                    background: clicks
                      ? `color-mix(in srgb, ${first} ${Math.round(15 + (85 * clicks) / most)}%, transparent)`
                      : "var(--mantine-color-default-hover)",
                  }}
                >
                  <VisuallyHidden>{formatNumber(clicks)}</VisuallyHidden>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </Box>
      <Text size="xs" c="dimmed" mt={6}>
        {t("stats.weekLegend", { most: formatNumber(Math.max(...cells.flat())) })}
      </Text>
    </Section>
  );
}
