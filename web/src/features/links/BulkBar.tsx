import { ActionIcon, Box, Button, Group, Menu, Paper, Popover, Text, Tooltip } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
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
    <Ask
      name={t("links.addTags")}
      opened={opened}
      onChange={setOpened}
      onDone={tags.length > 0 ? () => onAdd(tags) : undefined}
    >
      <TagsField label={t("linkForm.tags")} value={tags} onChange={setTags} />
    </Ask>
  );
}

function SetFolder({ onSet }: { onSet: (folder: string) => void }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  const [folder, setFolder] = useState("");
  return (
    <Ask name={t("links.move")} opened={opened} onChange={setOpened} onDone={() => onSet(folder.trim())}>
      <FolderField label={t("linkForm.folder")} description={t("links.noFolder")} value={folder} onChange={setFolder} />
    </Ask>
  );
}

/** A button that asks for one more thing first; what does it stands beside the field, as below it are its choices. */
function Ask({ name, opened, onChange, onDone, children }: AskProps) {
  return (
    <Popover opened={opened} onChange={onChange} width={320} trapFocus withinPortal>
      <Popover.Target>
        <Button size="compact-sm" variant="default" onClick={() => onChange(!opened)}>
          {name}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={name}>
        <Group gap="xs" wrap="nowrap" align="flex-end">
          <Box flex={1} miw={0}>
            {children}
          </Box>
          <Tooltip label={name}>
            <ActionIcon
              size={36}
              variant="filled"
              aria-label={name}
              disabled={!onDone}
              onClick={() => {
                onChange(false);
                onDone?.();
              }}
            >
              <IconCheck size={18} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </Group>
      </Popover.Dropdown>
    </Popover>
  );
}

interface AskProps {
  name: string;
  opened: boolean;
  onChange: (opened: boolean) => void;
  /** Absent as long as nothing was said that could be done. */
  onDone?: () => void;
  children: ReactNode;
}
