import { Alert, Button, Group, Modal, Progress, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatNumber } from "../../i18n/format";
import { messageOf } from "../../parts/States";
import { refreshLinks } from "../links/queries";
import { type Kind, relabel } from "./relabel";

export interface Label {
  name: string;
  links: number;
}

/** Asks for a label's new name, which may be that of another one, or whether to take it away; shows how far it is. */
export function Relabel({ kind, label, known, away, onClose }: RelabelProps) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const [name, setName] = useState(label.name);
  const [done, setDone] = useState(0);
  const to = away ? null : name.trim();
  const working = useMutation({
    mutationFn: () => relabel(kind, label.name, to, setDone),
    onSuccess: async (failed) => {
      if (failed) return;
      notifications.show({ message: t("labels.done", { count: done, number: formatNumber(done) }) });
      onClose();
    },
    onSettled: () => Promise.all([cache.invalidateQueries({ queryKey: ["labels"] }), refreshLinks(cache)]),
  });
  const merges = to !== null && to !== label.name && known.includes(to);
  function submit(event: FormEvent) {
    event.preventDefault();
    setDone(0);
    working.mutate();
  }
  const title = away ? t("labels.removeTitle", { name: label.name }) : t("labels.renameTitle", { name: label.name });
  return (
    <Modal opened onClose={onClose} title={title} centered closeOnClickOutside={!working.isPending}>
      <form onSubmit={submit}>
        <Stack>
          {away ? (
            <Text size="sm">{t("labels.removeHint", { count: label.links, number: formatNumber(label.links) })}</Text>
          ) : (
            <TextInput
              label={t("labels.name")}
              value={name}
              maxLength={64}
              data-autofocus
              required
              onChange={(event) => setName(event.currentTarget.value)}
            />
          )}
          {merges && (
            <Alert color="yellow" role="status">
              {t("labels.mergeHint", { name: to })}
            </Alert>
          )}
          {working.isPending && (
            <div>
              <Progress value={label.links ? (done / label.links) * 100 : 100} aria-label={t("labels.progress")} />
              <Text size="xs" c="dimmed" role="status">
                {formatNumber(done)} / {formatNumber(label.links)}
              </Text>
            </div>
          )}
          {working.isError && (
            <Alert color="red" role="alert">
              {messageOf(working.error)}
            </Alert>
          )}
          {working.data ? (
            <Alert color="red" role="alert">
              {t("labels.failed", { count: working.data, number: formatNumber(working.data) })}
            </Alert>
          ) : null}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose} data-autofocus={away || undefined}>
              {t("state.cancel")}
            </Button>
            <Button
              type="submit"
              color={away ? "red" : undefined}
              loading={working.isPending}
              disabled={!away && (to === "" || to === label.name)}
            >
              {away ? t("labels.remove") : merges ? t("labels.merge") : t("labels.rename")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

interface RelabelProps {
  kind: Kind;
  label: Label;
  /** Names that other labels have. */
  known: string[];
  /** Take it away instead of naming it anew. */
  away: boolean;
  onClose: () => void;
}
