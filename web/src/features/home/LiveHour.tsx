import { Badge, Button, Collapse, ScrollArea, Skeleton, Table } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatNumber, region } from "../../i18n/format";
import { Section } from "../../parts/Section";
import { HOUR, type LiveHour as Known, useCountsThatFollow, useLive } from "./live";

const Curves = lazy(() => import("../stats/Curves").then(({ Curves }) => ({ default: Curves })));
const HEIGHT = 160;
const MINUTE = 6;

/** The clicks of the last hour by the minute, as they come. */
export function LiveHour() {
  const { t } = useTranslation();
  const [hour, connection] = useLive();
  const [table, setTable] = useState(false);
  const minutes = minutesOf(hour);
  const total = minutes.reduce((sum, minute) => sum + minute.clicks, 0);
  useCountsThatFollow(hour.until ? total : undefined);
  const format = new Intl.DateTimeFormat(region(), { hour: "2-digit", minute: "2-digit" });
  const name = (seconds: number) => format.format(seconds * 1000);
  return (
    <Section
      title={t("home.live")}
      actions={
        <>
          <Badge
            role="status"
            variant={connection === "open" ? "light" : "outline"}
            color={connection === "open" ? "green" : "gray"}
            autoContrast
            styles={{ label: { color: "var(--mantine-color-text)" } }}
          >
            {t(`home.connection.${connection}`)}
          </Badge>
          <Button size="compact-sm" variant="default" aria-expanded={table} onClick={() => setTable(!table)}>
            {t("stats.asTable")}
          </Button>
        </>
      }
      hint={hour.until ? t("home.inTheHour", { count: total, number: formatNumber(total) }) : t("state.waiting")}
    >
      {hour.until ? (
        <Suspense fallback={<Skeleton height={HEIGHT + 28} />}>
          <Curves
            times={minutes.map((minute) => minute.at)}
            curves={[{ name: t("stats.clicks"), values: minutes.map((minute) => minute.clicks) }]}
            timeName={name}
            label={t("home.inTheHour", { count: total, number: formatNumber(total) })}
            height={HEIGHT}
          />
        </Suspense>
      ) : (
        <Skeleton height={HEIGHT + 28} />
      )}
      <Collapse expanded={table}>
        {table && (
          <ScrollArea.Autosize mah={240} mt="sm" viewportProps={{ tabIndex: 0, "aria-label": t("home.live") }}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th scope="col">{t("stats.time")}</Table.Th>
                  <Table.Th scope="col">{t("stats.clicks")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {minutes.toReversed().map((minute) => (
                  <Table.Tr key={minute.at}>
                    <Table.Td>{name(minute.at)}</Table.Td>
                    <Table.Td>{formatNumber(minute.clicks)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </ScrollArea.Autosize>
        )}
      </Collapse>
    </Section>
  );
}

/** Return the hour's minutes, oldest first, each by its start in unix seconds. */
function minutesOf({ until, moments }: Known): { at: number; clicks: number }[] {
  const last = Math.floor(until / MINUTE);
  const minutes = Array.from({ length: HOUR / MINUTE }, (_, nth) => ({
    at: (last - HOUR / MINUTE + 1 + nth) * MINUTE * 10,
    clicks: 0,
  }));
  for (const [moment, clicks] of moments) {
    const minute = minutes[Math.floor(moment / MINUTE) - last + HOUR / MINUTE - 1];
    if (minute) minute.clicks += clicks;
  }
  return minutes;
}
