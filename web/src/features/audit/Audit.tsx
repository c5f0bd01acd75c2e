import { Button, Checkbox, Code, Group, Select, Text, TextInput } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { EntryOut } from "../../api/generated";
import { formatMoment } from "../../i18n/format";
import { useAnnounced } from "../../parts/announce";
import { foundOf } from "../../parts/found";
import { More } from "../../parts/More";
import { Row, Rows } from "../../parts/Rows";
import { Screen } from "../../parts/Screen";
import { Empty, Failed, Waiting } from "../../parts/States";
import { meQuery } from "../auth/queries";
import { useMay } from "../auth/useMay";
import { keysQuery } from "../keys/queries";
import { membersQuery } from "../team/queries";
import { type AuditSearch, auditQuery, exportUrl } from "./queries";
import { ACTIONS, type Names, nameOf, sentenceOf } from "./sentence";

/** Who did what to what, newest first, narrowed by who, what and when. */
export function Audit() {
  const { t } = useTranslation();
  const search = useSearch({ from: "/inside/app/audit" });
  const navigate = useNavigate({ from: "/app/audit" });
  const narrow = (change: Partial<AuditSearch>) =>
    navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const names = useNames();
  const runsAll = useMay("installation");
  const actors = ["cli", ...names.keys()];
  return (
    <Screen
      title={t("nav.audit")}
      width={960}
      actions={
        <Button
          component="a"
          href={exportUrl(search)}
          download="audit.jsonl"
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
        >
          {t("audit.export")}
        </Button>
      }
    >
      <Group role="search" align="flex-end" grow preventGrowOverflow={false}>
        <Select
          label={t("audit.who")}
          clearable
          searchable
          data={actors.map((value) => ({ value, label: nameOf(value, names, t) }))}
          value={search.actor ?? null}
          onChange={(actor) => narrow({ actor: actor ?? undefined })}
        />
        <Select
          label={t("audit.what")}
          clearable
          searchable
          data={ACTIONS.map((value) => ({ value, label: t(`audit.did.${value}`, { who: "…", what: "…" }) }))}
          value={search.action ?? null}
          onChange={(action) => narrow({ action: action ?? undefined })}
        />
        <TextInput
          label={t("audit.from")}
          type="date"
          value={search.from ?? ""}
          onChange={(event) => narrow({ from: event.currentTarget.value || undefined })}
        />
        <TextInput
          label={t("audit.to")}
          type="date"
          value={search.to ?? ""}
          onChange={(event) => narrow({ to: event.currentTarget.value || undefined })}
        />
      </Group>
      {runsAll && (
        <Checkbox
          label={t("audit.everywhere")}
          checked={search.everywhere ?? false}
          onChange={(event) => narrow({ everywhere: event.currentTarget.checked || undefined })}
        />
      )}
      <Entries search={search} names={names} />
    </Screen>
  );
}

/** Names of the workspace's people and keys. */
function useNames(): Names {
  const workspace = useQuery(meQuery).data?.workspace_id ?? 0;
  const members = useInfiniteQuery({ ...membersQuery(workspace), enabled: workspace > 0 }).data;
  const keys = useInfiniteQuery(keysQuery).data;
  return useMemo(() => {
    const people = members?.pages.flatMap((page) => page.items) ?? [];
    const programs = keys?.pages.flatMap((page) => page.items) ?? [];
    return new Map([
      ...people.map((member) => [`user:${member.user_id}`, member.name || member.email] as const),
      ...programs.map((key) => [`key:${key.id}`, key.name] as const),
    ]);
  }, [members, keys]);
}

function Entries({ search, names }: { search: AuditSearch; names: Names }) {
  const { t } = useTranslation();
  const entries = useInfiniteQuery(auditQuery(search));
  useAnnounced(JSON.stringify(search), foundOf(entries, t));
  if (entries.isPending) return <Waiting label={t("state.waiting")} height={400} />;
  if (entries.isLoadingError) return <Failed error={entries.error} onRetry={entries.refetch} />;
  const items = entries.data.pages.flatMap((page) => page.items);
  if (items.length === 0 && !entries.hasNextPage) return <Empty title={t("audit.none")} />;
  return (
    <div>
      <Rows label={t("nav.audit")}>
        {items.map((entry) => (
          <Entry key={entry.id} entry={entry} names={names} />
        ))}
      </Rows>
      <More query={entries} />
    </div>
  );
}

function Entry({ entry, names }: { entry: EntryOut; names: Names }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  const sentence = sentenceOf(entry, names, t);
  return (
    <Row
      title={<Text fw={500}>{sentence}</Text>}
      actions={
        <Button
          size="compact-sm"
          variant="subtle"
          aria-expanded={opened}
          aria-label={t("audit.detailsOf", { sentence })}
          onClick={() => setOpened(!opened)}
        >
          {t("audit.details")}
        </Button>
      }
    >
      <time dateTime={entry.at}>{formatMoment(entry.at)}</time>
      {entry.origin && ` · ${entry.origin}`}
      {opened && (
        <Code block mt="xs" style={{ whiteSpace: "pre-wrap" }}>
          {JSON.stringify(
            { action: entry.action, actor: entry.actor, subject: entry.subject, ...entry.details },
            null,
            2,
          )}
        </Code>
      )}
    </Row>
  );
}
