import { Button, Group, Stack, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { deleteWorkspace, getWorkspace, renameWorkspace } from "../../api/generated";
import { chooseWorkspace, unwrap } from "../../api/http";
import { Confirm } from "../../parts/Confirm";
import { Refusal, tellRefusal } from "../../parts/Refusal";
import { Section } from "../../parts/Section";
import { Failed, Waiting } from "../../parts/States";
import { useMay } from "../auth/useMay";

export function WorkspaceSection({ workspace }: { workspace: number }) {
  const { t } = useTranslation();
  const read = useQuery({
    queryKey: ["team", workspace, "workspace"],
    queryFn: ({ signal }) => unwrap(getWorkspace({ path: { workspace_id: workspace }, signal })),
  });
  return (
    <Section title={t("team.workspace")}>
      {read.isPending && <Waiting label={t("state.waiting")} height={60} />}
      {read.isError && <Failed error={read.error} onRetry={read.refetch} />}
      {read.data && <Settings key={read.data.id} workspace={workspace} name={read.data.name} />}
    </Section>
  );
}

function Settings({ workspace, name }: { workspace: number; name: string }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const mayDelete = useMay("installation");
  const [given, setGiven] = useState(name);
  const [asked, setAsked] = useState(false);
  const renaming = useMutation({
    mutationFn: () => unwrap(renameWorkspace({ path: { workspace_id: workspace }, body: { name: given } })),
    onSuccess: async () => {
      notifications.show({ message: t("team.saved") });
      await Promise.all([
        cache.invalidateQueries({ queryKey: ["team"] }),
        cache.invalidateQueries({ queryKey: ["workspaces"] }),
      ]);
    },
  });
  const deleting = useMutation({
    mutationFn: () => unwrap(deleteWorkspace({ path: { workspace_id: workspace } })),
    onSuccess: async () => {
      chooseWorkspace(null);
      await navigate({ to: "/" });
      await cache.resetQueries();
    },
    onError: tellRefusal,
    onSettled: () => setAsked(false),
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    renaming.mutate();
  }
  return (
    <Stack>
      <Refusal error={renaming.error} />
      <form onSubmit={submit}>
        <Group align="flex-end" gap="sm">
          <TextInput
            label={t("auth.name")}
            required
            value={given}
            onChange={(event) => setGiven(event.currentTarget.value)}
            style={{ flex: "1 1 14rem" }}
          />
          <Button type="submit" loading={renaming.isPending} disabled={given === name}>
            {t("team.rename")}
          </Button>
          {mayDelete && (
            <Button variant="light" color="red" onClick={() => setAsked(true)}>
              {t("team.delete")}
            </Button>
          )}
        </Group>
      </form>
      <Confirm
        opened={asked}
        title={t("team.deleteName", { name })}
        action={t("team.delete")}
        typed={name}
        onConfirm={() => deleting.mutate()}
        onClose={() => setAsked(false)}
        busy={deleting.isPending}
      >
        {t("team.deleteHint")}
      </Confirm>
    </Stack>
  );
}
