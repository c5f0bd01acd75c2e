import { Button, Group, Menu, Paper, Popover, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { LinkOut } from "../../api/generated";
import { formatNumber } from "../../i18n/format";
import { messageOf } from "../../parts/States";
import { tellFailure } from "../../parts/undo";
import { change, type Done, remove } from "./bulk";
import { FolderField, TagsField } from "./LabelField";
import { useUndo } from "./useUndo";

/** What can be done with the links that were chosen; all of it can be taken back. */
export function BulkBar({ links, onDone }: { links: LinkOut[]; onDone: () => void }) {
  const { t } = useTranslation();
  const offerUndo = useUndo();
  const acting = useMutation({
    mutationFn: (act: () => Promise<Done>) => act(),
    onSuccess: async (done) => {
      onDone();
      const message = t(done.kind === "deleted" ? "links.deleted" : "links.changed", {
        count: done.succeeded,
        number: formatNumber(done.succeeded),
      });
      const refused = t("links.notChanged", { count: done.failed, number: formatNumber(done.failed) });
      await offerUndo(done.failed ? `${message} ${refused}` : message, done.undo);
    },
    onError: (error) => tellFailure(messageOf(error)),
  });
  const act = (step: () => Promise<Done>) => acting.mutate(step);
  return (
    <Paper withBorder p="xs" role="toolbar" aria-label={t("links.bulk")}>
      <Group gap="xs">
        <Text size="sm" fw={600} role="status">
          {t("links.chosen", { count: links.length, number: formatNumber(links.length) })}
        </Text>
        <AddTags
          onAdd={(tags) => act(() => change(links, (link) => ({ tags: [...new Set([...link.tags, ...tags])] })))}
        />
        <SetFolder onSet={(folder) => act(() => change(links, () => ({ folder })))} />
        <Menu withinPortal>
          <Menu.Target>
            <Button size="compact-sm" variant="default" loading={acting.isPending}>
              {t("links.setState")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item data-autofocus onClick={() => act(() => change(links, () => ({ enabled: true })))}>
              {t("links.enable")}
            </Menu.Item>
            <Menu.Item onClick={() => act(() => change(links, () => ({ enabled: false })))}>
              {t("links.disable")}
            </Menu.Item>
            <Menu.Item onClick={() => act(() => change(links, () => ({ archived: true })))}>
              {t("links.archive")}
            </Menu.Item>
            <Menu.Item onClick={() => act(() => change(links, () => ({ archived: false })))}>
              {t("links.unarchive")}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <Button
          size="compact-sm"
          color="red"
          variant="light"
          onClick={() => act(() => remove(links))}
          loading={acting.isPending}
        >
          {t("links.delete")}
        </Button>
        <Button size="compact-sm" variant="subtle" onClick={onDone}>
          {t("links.chooseNone")}
        </Button>
      </Group>
    </Paper>
  );
}

function AddTags({ onAdd }: { onAdd: (tags: string[]) => void }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  const [tags, setTags] = useState<string[]>([]);
  return (
    <Popover opened={opened} onChange={setOpened} width={280} trapFocus withinPortal>
      <Popover.Target>
        <Button size="compact-sm" variant="default" onClick={() => setOpened((on) => !on)}>
          {t("links.addTags")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t("links.addTags")}>
        <Stack gap="sm">
          <TagsField label={t("linkForm.tags")} value={tags} onChange={setTags} />
          <Button
            disabled={tags.length === 0}
            onClick={() => {
              setOpened(false);
              onAdd(tags);
            }}
          >
            {t("links.addTags")}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function SetFolder({ onSet }: { onSet: (folder: string) => void }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  const [folder, setFolder] = useState("");
  return (
    <Popover opened={opened} onChange={setOpened} width={280} trapFocus withinPortal>
      <Popover.Target>
        <Button size="compact-sm" variant="default" onClick={() => setOpened((on) => !on)}>
          {t("links.move")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t("links.move")}>
        <Stack gap="sm">
          <FolderField
            label={t("linkForm.folder")}
            description={t("links.noFolder")}
            value={folder}
            onChange={setFolder}
          />
          <Button
            onClick={() => {
              setOpened(false);
              onSet(folder.trim());
            }}
          >
            {t("links.move")}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
