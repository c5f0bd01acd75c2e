import { Box, Button, Checkbox, Group, Select, Stack, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconPlus, IconSearch } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { LinkOut } from "../../api/generated";
import { useAnnounced } from "../../parts/announce";
import { foundOf } from "../../parts/found";
import { Screen } from "../../parts/Screen";
import { Empty, Failed, Waiting } from "../../parts/States";
import { meQuery } from "../auth/queries";
import { isElsewhere } from "../shortcuts/elsewhere";
import { BulkBar } from "./BulkBar";
import { edit } from "./editor";
import { Chips, Filters } from "./Filters";
import { ROW } from "./LinkRow";
import { LinkRows } from "./LinkRows";
import { keyOf, linksQuery } from "./queries";
import { SavedViews } from "./SavedViews";
import { type LinkSearch, SORTS, type Sort } from "./search";

const TYPING_MS = 120;
/** Pixels: of what is done with many, which is there before anything is chosen, and from there to the first row. */
const BAR = 48;
const GAP = 10;

export function LinksScreen() {
  const { t } = useTranslation();
  const search = useSearch({ from: "/inside/app/links" });
  const navigate = useNavigate({ from: "/app/links" });
  const me = useQuery(meQuery);
  const mayEdit = me.data?.permissions.includes("links:write") ?? false;
  const narrow = (change: Partial<LinkSearch>) =>
    navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const [typed, setTyped] = useState(search.q ?? "");
  const look = useDebouncedCallback((q: string) => narrow({ q: q || undefined }), TYPING_MS);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || isElsewhere(event.target)) return;
      event.preventDefault();
      field.current?.focus();
    }
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <Screen
      title={t("links.title")}
      actions={
        mayEdit && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => edit({ kind: "new" })}>
            {t("links.new")}
          </Button>
        )
      }
    >
      <Group role="search" align="flex-end" gap="sm">
        <TextInput
          ref={field}
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
          label={t("links.sort")}
          allowDeselect={false}
          data={SORTS.map((value) => ({ value, label: t(`links.sorts.${value}`) }))}
          value={search.sort ?? "-created_at"}
          onChange={(sort) => narrow({ sort: sort as Sort })}
          w={170}
        />
        <Filters search={search} narrow={narrow} />
        <SavedViews
          search={search}
          show={(view) => {
            setTyped(view.q ?? "");
            navigate({ search: view });
          }}
        />
      </Group>
      <Chips search={search} narrow={narrow} />
      <Results search={search} mayEdit={mayEdit} />
    </Screen>
  );
}

function Results({ search, mayEdit }: { search: LinkSearch; mayEdit: boolean }) {
  const { t } = useTranslation();
  const links = useInfiniteQuery(linksQuery(search));
  const [chosen, setChosen] = useState<ReadonlyMap<string, LinkOut>>(new Map());
  useAnnounced(JSON.stringify(search), foundOf(links, t));
  if (links.isPending) {
    return (
      <Box pt={mayEdit ? BAR + GAP : 0}>
        <Waiting label={t("state.waiting")} height={6 * ROW} row={ROW} />
      </Box>
    );
  }
  if (links.isLoadingError) return <Failed error={links.error} onRetry={links.refetch} />;
  const items = links.data.pages.flatMap((page) => page.items);
  if (items.length === 0) {
    return (
      <Empty title={t(Object.keys(search).length ? "links.none" : "links.noneYet")}>
        {mayEdit && <Button onClick={() => edit({ kind: "new" })}>{t("links.new")}</Button>}
      </Empty>
    );
  }
  const choose = (link: LinkOut) =>
    setChosen((before) => {
      const after = new Map(before);
      if (!after.delete(keyOf(link))) after.set(keyOf(link), link);
      return after;
    });
  const all = items.every((link) => chosen.has(keyOf(link)));
  return (
    <Stack gap={GAP}>
      {mayEdit && (
        <Group gap="sm" mih={BAR} px="xs">
          <Checkbox
            checked={all}
            indeterminate={!all && chosen.size > 0}
            onChange={() => setChosen(all ? new Map() : new Map(items.map((link) => [keyOf(link), link])))}
            label={chosen.size === 0 && t("links.chooseAll")}
            aria-label={t("links.chooseAll")}
          />
          {chosen.size > 0 && <BulkBar links={[...chosen.values()]} onDone={() => setChosen(new Map())} />}
        </Group>
      )}
      <LinkRows
        items={items}
        more={links.hasNextPage && !links.isFetchNextPageError}
        fetchMore={links.fetchNextPage}
        fetching={links.isFetchingNextPage}
        chosen={chosen}
        onChoose={choose}
        mayEdit={mayEdit}
      />
      {links.isFetchNextPageError && <Failed error={links.error} onRetry={links.fetchNextPage} />}
    </Stack>
  );
}
