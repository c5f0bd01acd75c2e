import { Alert, Badge, Progress, SimpleGrid, Stack, Table, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { SystemStatus } from "../../api/generated";
import { formatMoment, formatNumber, formatPercent } from "../../i18n/format";
import { Screen } from "../../parts/Screen";
import { Section } from "../../parts/Section";
import { Failed, Waiting } from "../../parts/States";
import { systemQuery } from "./queries";
import { formatBytes, formatSpan } from "./size";

const NEARLY_FULL = 0.85;
const LATE_S = 60;

/** How this node does, brought up to date every few seconds. */
export function SystemScreen() {
  const { t } = useTranslation();
  const system = useQuery(systemQuery);
  return (
    <Screen title={t("system.title")}>
      {system.isError && <Failed error={system.error} onRetry={system.refetch} />}
      {system.isPending && <Waiting label={t("state.waiting")} height={560} />}
      {system.data && <Parts system={system.data} />}
    </Screen>
  );
}

function Parts({ system }: { system: SystemStatus }) {
  const { t } = useTranslation();
  const { store, journal, disk } = system;
  const used = disk ? 1 - disk.free_bytes / disk.total_bytes : 0;
  return (
    <Stack>
      <Worries worries={worriesOf(system, used, t)} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Section title={t("system.store")} actions={<State good={store.status === "ok"} />}>
          <Facts
            facts={[
              [t("system.kind"), store.kind === "redis" ? "Redis" : "SQLite"],
              [t("system.answers"), store.answers_in_ms === null ? "–" : `${formatNumber(store.answers_in_ms)} ms`],
            ]}
          />
        </Section>
        <Section title={t("system.journal")} actions={<State good={journal.status === "ok" && journal.drains > 0} />}>
          <Facts
            facts={[
              [t("system.lag"), formatSpan(journal.lag_s)],
              [t("system.lagBytes"), formatBytes(journal.lag_bytes)],
              [t("system.size"), `${formatBytes(journal.bytes)} / ${formatBytes(journal.max_bytes)}`],
              [t("system.written"), formatNumber(journal.clicks_written)],
              [t("system.folded"), formatNumber(journal.clicks_folded)],
              [t("system.dropped"), formatNumber(journal.clicks_dropped)],
            ]}
          />
        </Section>
        <Section title={t("system.disk")} actions={<State good={disk !== null && used < NEARLY_FULL} />}>
          {disk ? (
            <>
              <Progress
                value={used * 100}
                aria-label={t("system.used")}
                color={used < NEARLY_FULL ? undefined : "red"}
              />
              <Facts
                facts={[
                  [t("system.used"), formatPercent(used)],
                  [t("system.free"), formatBytes(disk.free_bytes)],
                  [t("system.databases"), disk.database_bytes === null ? "–" : formatBytes(disk.database_bytes)],
                ]}
              />
            </>
          ) : (
            <Text c="dimmed">{t("system.unreadable")}</Text>
          )}
        </Section>
        <Section title={t("system.program")} actions={<State good={system.workers >= system.workers_wanted} />}>
          <Facts
            facts={[
              [t("system.version"), system.version],
              ["Python", system.python],
              [t("system.workers"), `${formatNumber(system.workers)} / ${formatNumber(system.workers_wanted)}`],
              [t("system.uptime"), formatSpan(system.uptime_s)],
              [t("system.started"), formatMoment(system.started_at)],
            ]}
          />
        </Section>
        <Backups backups={system.backups} />
      </SimpleGrid>
    </Stack>
  );
}

function Backups({ backups }: { backups: SystemStatus["backups"] }) {
  const { t } = useTranslation();
  return (
    <Section
      title={t("system.backups")}
      actions={
        backups.status === "none" && backups.changes === "none" ? undefined : (
          <State good={backups.status === "ok" && backups.changes !== "late"} />
        )
      }
    >
      {backups.newest_at ? (
        <Facts
          facts={[
            [t("system.newestBackup"), formatMoment(backups.newest_at)],
            [t("system.backupSize"), formatBytes(backups.newest_bytes)],
            [t("system.encrypted"), t(backups.encrypted ? "system.yes" : "system.no")],
            [t("system.allBackups"), `${formatNumber(backups.count)} · ${formatBytes(backups.bytes)}`],
          ]}
        />
      ) : (
        <Text c="dimmed">{t(`system.backup.${backups.status}`)}</Text>
      )}
      {backups.changes_until && <Facts facts={[[t("system.changesUntil"), formatMoment(backups.changes_until)]]} />}
    </Section>
  );
}

/** Return what somebody should look at, in the order of its weight. */
function worriesOf(
  { store, journal, disk, backups }: SystemStatus,
  used: number,
  t: (key: string) => string,
): string[] {
  return [
    ...(store.status === "ok" ? [] : [t("system.worry.store")]),
    ...(journal.status === "ok" ? [] : [t("system.worry.refusing")]),
    ...(journal.drains > 0 ? [] : [t("system.worry.noDrain")]),
    ...(journal.lag_s < LATE_S ? [] : [t("system.worry.late")]),
    ...(journal.clicks_dropped === 0 ? [] : [t("system.worry.dropped")]),
    ...(backups.status === "late" ? [t("system.worry.backups")] : []),
    ...(backups.changes === "late" ? [t("system.worry.changes")] : []),
    ...(disk && used < NEARLY_FULL ? [] : [t("system.worry.disk")]),
    ...store.warnings,
  ];
}

function Worries({ worries }: { worries: string[] }) {
  const { t } = useTranslation();
  if (worries.length === 0) return <Alert color="green" title={t("system.allWell")} />;
  return (
    <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title={t("system.attention")}>
      <ul style={{ margin: 0, paddingInlineStart: "1.2em" }}>
        {worries.map((worry) => (
          <li key={worry}>{worry}</li>
        ))}
      </ul>
    </Alert>
  );
}

function State({ good }: { good: boolean }) {
  const { t } = useTranslation();
  return (
    <Badge color={good ? "green" : "red"} variant="light" autoContrast tt="none">
      {good ? t("system.good") : t("system.bad")}
    </Badge>
  );
}

function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <Table withRowBorders={false} verticalSpacing={4} horizontalSpacing={0}>
      <Table.Tbody>
        {facts.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th fw={400} c="dimmed" scope="row">
              {name}
            </Table.Th>
            <Table.Td ta="end" style={{ fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" }}>
              {value}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
