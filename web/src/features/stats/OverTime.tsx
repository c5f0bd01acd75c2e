import { Button, Collapse, ScrollArea, Skeleton, Table } from "@mantine/core";
import { IconPhotoDown, IconTable } from "@tabler/icons-react";
import { lazy, Suspense, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { StatsOut } from "../../api/generated";
import { formatNumber, region } from "../../i18n/format";
import { Section } from "../../parts/Section";
import { useColours } from "./colours";
import { download } from "./download";

const Curves = lazy(() => import("./Curves").then(({ Curves }) => ({ default: Curves })));
const HEIGHT = 260;

interface OverTimeProps {
  stats: StatsOut;
  bots: boolean;
  onZoom: (since: string, until: string) => void;
}

/** Clicks and visitors by hour, day, week or month; drawn over, a part of it becomes the period. */
export function OverTime({ stats, bots, onZoom }: OverTimeProps) {
  const { t } = useTranslation();
  const [table, setTable] = useState(false);
  const canvas = useRef<HTMLCanvasElement | null>(null);
  const { page } = useColours();
  const rows = stats.series.map((bucket) => ({ ...bucket, shown: bots ? bucket.clicks : bucket.clicks - bucket.bots }));
  const name = namer(stats);
  const curves = [{ name: t("stats.clicks"), values: rows.map((row) => row.shown) }];
  if (rows.some((row) => row.visitors !== null))
    curves.push({ name: t("stats.visitors"), values: rows.map((row) => row.visitors) as number[] });
  return (
    <Section
      title={t("stats.overTime")}
      hint={t("stats.zoomHint")}
      actions={
        <>
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconPhotoDown size={16} aria-hidden />}
            onClick={() => canvas.current && savePicture(canvas.current, page)}
          >
            PNG
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconTable size={16} aria-hidden />}
            aria-expanded={table}
            onClick={() => setTable(!table)}
          >
            {t("stats.asTable")}
          </Button>
        </>
      }
    >
      <Suspense fallback={<Skeleton height={HEIGHT + 28} />}>
        <Curves
          times={rows.map((row) => Date.parse(row.start) / 1000)}
          curves={curves}
          timeName={name}
          label={t("stats.chartLabel", { number: formatNumber(bots ? stats.clicks : stats.humans) })}
          height={HEIGHT}
          onZoom={(first, last) => {
            const since = rows[first]?.start;
            if (since) onZoom(since, rows[last + 1]?.start ?? stats.until);
          }}
          onDrawn={(drawn) => {
            canvas.current = drawn;
          }}
        />
      </Suspense>
      <Collapse expanded={table}>
        {table && (
          <ScrollArea.Autosize mah={360} mt="sm" viewportProps={{ tabIndex: 0, "aria-label": t("stats.overTime") }}>
            <Table striped>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th scope="col">{t("stats.time")}</Table.Th>
                  <Table.Th scope="col">{t("stats.clicks")}</Table.Th>
                  <Table.Th scope="col">{t("stats.visitors")}</Table.Th>
                  <Table.Th scope="col">{t("stats.bots")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {rows.map((row) => (
                  <Table.Tr key={row.start}>
                    <Table.Th scope="row">{name(Date.parse(row.start) / 1000)}</Table.Th>
                    <Table.Td>{formatNumber(row.shown)}</Table.Td>
                    <Table.Td>{row.visitors === null ? "–" : formatNumber(row.visitors)}</Table.Td>
                    <Table.Td>{formatNumber(row.bots)}</Table.Td>
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

/** What a moment is called, in the zone and as exactly as the steps are wide. */
function namer({ step, tz }: StatsOut) {
  const parts: Intl.DateTimeFormatOptions =
    step === "hour"
      ? { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }
      : step === "month"
        ? { month: "short", year: "numeric" }
        : { day: "numeric", month: "short" };
  const format = new Intl.DateTimeFormat(region(), { ...parts, timeZone: tz });
  return (seconds: number) => format.format(new Date(seconds * 1000));
}

function savePicture(drawn: HTMLCanvasElement, page: string) {
  const copy = document.createElement("canvas");
  copy.width = drawn.width;
  copy.height = drawn.height;
  const pen = copy.getContext("2d");
  if (!pen) return;
  pen.fillStyle = page;
  pen.fillRect(0, 0, copy.width, copy.height);
  pen.drawImage(drawn, 0, 0);
  copy.toBlob((file) => file && download(file, "shortly-clicks.png"));
}
