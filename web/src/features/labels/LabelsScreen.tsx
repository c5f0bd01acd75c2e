import { ActionIcon, Anchor, Button, Group, SegmentedControl, Stack, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconPencil, IconTrash } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { formatNumber } from "../../i18n/format";
import { useAnnounced } from "../../parts/announce";
import { foundOf } from "../../parts/found";
import { Screen } from "../../parts/Screen";
import { Empty, Failed, Waiting } from "../../parts/States";
import { meQuery } from "../auth/queries";
import { labelsQuery } from "./queries";
import { type Label, Relabel } from "./Relabel";
import type { Kind } from "./relabel";

/** Tags and folders with how many links have them: named anew, merged and taken away. */
export function LabelsScreen() {
  const { t } = useTranslation();
  const [kind, setKind] = useState<Kind>("tag");
  const [search, setSearch] = useState("");
  const [wanted] = useDebouncedValue(search.trim(), 150);
  return (
    <Screen title={t("labels.title")} width={800}>
      <Group align="flex-end">
        <SegmentedControl
          aria-label={t("labels.kind")}
          value={kind}
          onChange={(value) => setKind(value as Kind)}
          data={[
            { value: "tag", label: t("labels.tags") },
            { value: "folder", label: t("labels.folders") },
          ]}
        />
        <TextInput
          label={t("labels.search")}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          style={{ flex: "1 1 12rem" }}
        />
      </Group>
      <Labels key={kind} kind={kind} search={wanted} />
    </Screen>
  );
}

function Labels({ kind, search }: { kind: Kind; search: string }) {
  const { t } = useTranslation();
  const me = useQuery(meQuery);
  const mayEdit = me.data?.permissions.includes("links:write") ?? false;
  const labels = useInfiniteQuery(labelsQuery(kind, search));
  const [chosen, setChosen] = useState<{ label: Label; away: boolean } | null>(null);
  useAnnounced(search, foundOf(labels, t));
  if (labels.isPending) return <Waiting label={t("state.waiting")} height={320} />;
  if (labels.isLoadingError) return <Failed error={labels.error} onRetry={labels.refetch} />;
  const items = labels.data.pages.flatMap((page) => page.items);
  if (items.length === 0) {
    return (
      <Empty title={search ? t("labels.noMatch") : t(`labels.none.${kind}`)}>
        {!search && <Text c="dimmed">{t("labels.noneHint")}</Text>}
      </Empty>
    );
  }
  return (
    <Stack>
      <Table layout="fixed">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("labels.name")}</Table.Th>
            <Table.Th w={90} ta="end">
              {t("labels.links")}
            </Table.Th>
            {mayEdit && (
              <Table.Th w={88}>
                <span className="visually-hidden">{t("labels.actions")}</span>
              </Table.Th>
            )}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((label) => (
            <Table.Tr key={label.name}>
              <Table.Td style={{ overflowWrap: "anywhere" }}>
                <Anchor
                  renderRoot={(props) => (
                    <Link
                      to="/app/links"
                      search={kind === "tag" ? { tag: [label.name] } : { folder: label.name }}
                      {...props}
                    />
                  )}
                >
                  {label.name}
                </Anchor>
              </Table.Td>
              <Table.Td ta="end">{formatNumber(label.links)}</Table.Td>
              {mayEdit && (
                <Table.Td>
                  <Group gap={4} wrap="nowrap" justify="flex-end">
                    <ActionIcon
                      variant="subtle"
                      aria-label={t("labels.renameTitle", { name: label.name })}
                      onClick={() => setChosen({ label, away: false })}
                    >
                      <IconPencil size={18} aria-hidden />
                    </ActionIcon>
                    <ActionIcon
                      variant="subtle"
                      color="red"
                      aria-label={t("labels.removeTitle", { name: label.name })}
                      onClick={() => setChosen({ label, away: true })}
                    >
                      <IconTrash size={18} aria-hidden />
                    </ActionIcon>
                  </Group>
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {labels.hasNextPage && (
        <Button variant="default" loading={labels.isFetchingNextPage} onClick={() => labels.fetchNextPage()}>
          {t("labels.more")}
        </Button>
      )}
      {chosen && (
        <Relabel
          kind={kind}
          label={chosen.label}
          away={chosen.away}
          known={items.map((label) => label.name)}
          onClose={() => setChosen(null)}
        />
      )}
    </Stack>
  );
}
