import { Anchor, Badge, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { LinkOut } from "../../api/generated";
import { formatAgo, formatNumber } from "../../i18n/format";
import { Screen } from "../../parts/Screen";
import { Empty, Failed, Waiting } from "../../parts/States";
import { CopyLink } from "./CopyLink";
import { keyOf, linksQuery } from "./queries";
import { type LinkSearch, SORTS, type Sort, STATES } from "./search";

const ROW = 68;
const TYPING_MS = 120;

export function LinksScreen() {
  const { t } = useTranslation();
  const search = useSearch({ from: "/inside/app/links" });
  const navigate = useNavigate({ from: "/app/links" });
  const narrow = (change: Partial<LinkSearch>) =>
    navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const [typed, setTyped] = useState(search.q ?? "");
  const look = useDebouncedCallback((q: string) => narrow({ q: q || undefined }), TYPING_MS);
  return (
    <Screen title={t("links.title")}>
      <Group role="search" align="flex-end">
        <TextInput
          label={t("links.search")}
          leftSection={<IconSearch size={16} aria-hidden />}
          type="search"
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            look(event.currentTarget.value);
          }}
          style={{ flex: "1 1 14rem" }}
        />
        <Select
          label={t("links.state")}
          clearable
          data={STATES.map((value) => ({ value, label: t(`links.states.${value}`) }))}
          value={search.state ?? null}
          onChange={(state) => narrow({ state: (state as LinkSearch["state"]) ?? undefined })}
          w={150}
        />
        <Select
          label={t("links.sort")}
          allowDeselect={false}
          data={SORTS.map((value) => ({ value, label: t(`links.sorts.${value}`) }))}
          value={search.sort ?? "-created_at"}
          onChange={(sort) => narrow({ sort: sort as Sort })}
          w={180}
        />
      </Group>
      <Results search={search} />
    </Screen>
  );
}

function Results({ search }: { search: LinkSearch }) {
  const { t } = useTranslation();
  const links = useInfiniteQuery(linksQuery(search));
  if (links.isPending) return <Waiting label={t("state.waiting")} height={400} />;
  if (links.isError) return <Failed error={links.error} onRetry={links.refetch} />;
  const items = links.data.pages.flatMap((page) => page.items);
  if (items.length === 0) return <Empty title={t("links.none")} />;
  return (
    <Rows items={items} more={links.hasNextPage} fetchMore={links.fetchNextPage} fetching={links.isFetchingNextPage} />
  );
}

/** Only the rows in sight are in the document, however many were read. */
function Rows({ items, more, fetchMore, fetching }: RowsProps) {
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW,
    overscan: 8,
    getItemKey: (index) => keyOf(items[index] as LinkOut),
  });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !fetching && last >= items.length - 20) fetchMore();
  }, [more, fetching, last, items.length, fetchMore]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div ref={frame} style={{ height: "calc(100dvh - 240px)", overflow: "auto" }} tabIndex={0}>
      <ul
        aria-label={t("links.title")}
        style={{ height: rows.getTotalSize(), position: "relative", margin: 0, padding: 0, listStyle: "none" }}
      >
        {shown.map((row) => {
          const link = items[row.index] as LinkOut;
          return (
            <li
              key={row.key}
              aria-setsize={more ? -1 : items.length}
              aria-posinset={row.index + 1}
              style={{ position: "absolute", insetInline: 0, top: row.start, height: ROW }}
            >
              <Row link={link} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

interface RowsProps {
  items: LinkOut[];
  more: boolean;
  fetchMore: () => void;
  fetching: boolean;
}

function Row({ link }: { link: LinkOut }) {
  const { t } = useTranslation();
  return (
    <Group h={ROW} justify="space-between" wrap="nowrap" px="xs">
      <Stack gap={0} miw={0}>
        <Group gap={4} wrap="nowrap">
          <Anchor href={link.short_url} target="_blank" rel="noreferrer" fw={600} truncate>
            {link.short_url.replace(/^https?:\/\//, "")}
          </Anchor>
          <CopyLink url={link.short_url} />
          {link.state !== "active" && (
            <Badge variant="light" color="gray">
              {t(`links.states.${link.state}`)}
            </Badge>
          )}
        </Group>
        <Text size="sm" c="dimmed" truncate>
          {link.title || link.target}
        </Text>
      </Stack>
      <Stack gap={0} align="flex-end" style={{ flexShrink: 0 }}>
        <Text size="sm">{t("links.clicks", { count: link.clicks, number: formatNumber(link.clicks) })}</Text>
        <Text size="xs" c="dimmed">
          {formatAgo(link.created_at)}
        </Text>
      </Stack>
    </Group>
  );
}
