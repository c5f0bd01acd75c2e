import { ActionIcon, Button, Group, Popover, Stack, Text, TextInput } from "@mantine/core";
import { IconBookmark, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { deleteView, saveView } from "../../api/generated";
import { unwrap } from "../../api/http";
import { tellDone } from "../../parts/announce";
import { Failed, messageOf } from "../../parts/States";
import { offerUndo, tellFailure } from "../../parts/undo";
import { viewsQuery } from "./queries";
import { type LinkSearch, queryOf, searchOf } from "./search";

/** Filters and sort under a name; they follow the person to other browsers. */
export function SavedViews({ search, show }: { search: LinkSearch; show: (search: LinkSearch) => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const [opened, setOpened] = useState(false);
  const [name, setName] = useState("");
  const views = useQuery({ ...viewsQuery, enabled: opened });
  const refresh = () => cache.invalidateQueries({ queryKey: viewsQuery.queryKey });
  const saving = useMutation({
    mutationFn: (body: { name: string; query: string }) => unwrap(saveView({ body })),
    onSuccess: async () => {
      setName("");
      tellDone();
      await refresh();
    },
  });
  const removing = useMutation({
    mutationFn: (view: { id: number; name: string; query: string }) =>
      unwrap(deleteView({ path: { view_id: view.id } })),
    onSuccess: async (_, view) => {
      offerUndo({
        message: t("links.viewDeleted", { name: view.name }),
        action: t("links.undo"),
        undo: () => saving.mutate({ name: view.name, query: view.query }),
      });
      await refresh();
    },
    onError: (error) => tellFailure(messageOf(error)),
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    if (name.trim()) saving.mutate({ name, query: queryOf(search) });
  }
  return (
    <Popover opened={opened} onChange={setOpened} width={300} trapFocus withinPortal position="bottom-end">
      <Popover.Target>
        <Button
          variant="default"
          leftSection={<IconBookmark size={16} aria-hidden />}
          onClick={() => setOpened((on) => !on)}
        >
          {t("links.views")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t("links.views")}>
        <Stack gap="xs">
          {views.isError && <Failed error={views.error} onRetry={views.refetch} />}
          {views.data?.length === 0 && (
            <Text size="sm" c="dimmed">
              {t("links.noViews")}
            </Text>
          )}
          {views.data?.map((view) => (
            <Group key={view.id} wrap="nowrap" gap={4}>
              <Button
                variant="subtle"
                justify="flex-start"
                style={{ flex: 1, minWidth: 0 }}
                onClick={() => {
                  setOpened(false);
                  show(searchOf(view.query));
                }}
              >
                {view.name}
              </Button>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t("links.deleteView", { name: view.name })}
                onClick={() => removing.mutate(view)}
              >
                <IconTrash size={16} aria-hidden />
              </ActionIcon>
            </Group>
          ))}
          <form onSubmit={submit}>
            <Group align="flex-end" wrap="nowrap" gap="xs">
              <TextInput
                label={t("links.viewName")}
                maxLength={64}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                error={saving.isError ? messageOf(saving.error) : undefined}
                style={{ flex: 1 }}
              />
              <Button type="submit" loading={saving.isPending}>
                {t("links.saveView")}
              </Button>
            </Group>
          </form>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
