import { Alert, Badge, Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { invitePerson, withdrawInvitation } from "../../api/generated";
import { unwrap } from "../../api/http";
import { tellDone } from "../../parts/announce";
import { More } from "../../parts/More";
import { Refusal, tellRefusal } from "../../parts/Refusal";
import { Row, Rows } from "../../parts/Rows";
import { Section } from "../../parts/Section";
import { ShownOnce } from "../../parts/ShownOnce";
import { Failed, Waiting } from "../../parts/States";
import { When } from "../../parts/When";
import { useMay } from "../auth/useMay";
import { invitationsQuery, ROLES, type Role } from "./queries";

export function Invitations({ workspace }: { workspace: number }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const may = useMay("users:write");
  const invitations = useInfiniteQuery(invitationsQuery(workspace));
  const withdrawing = useMutation({
    mutationFn: (id: number) => unwrap(withdrawInvitation({ path: { workspace_id: workspace, invitation_id: id } })),
    onSuccess: tellDone,
    onError: tellRefusal,
    onSettled: () => cache.invalidateQueries({ queryKey: ["team"] }),
  });
  const items = invitations.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Section title={t("team.invitations")} hint={t("team.invitationsHint")}>
      {may && <Invite workspace={workspace} />}
      {invitations.isPending && <Waiting label={t("state.waiting")} height={60} />}
      {invitations.isError && <Failed error={invitations.error} onRetry={invitations.refetch} />}
      {invitations.isSuccess && items.length === 0 && (
        <Text size="sm" c="dimmed" mt="md">
          {t("team.noInvitations")}
        </Text>
      )}
      <Stack mt="md" gap={0}>
        <Rows label={t("team.invitations")}>
          {items.map((invitation) => (
            <Row
              key={invitation.id}
              title={invitation.email}
              badges={<Badge variant="light">{t(`team.roles.${invitation.role}`)}</Badge>}
              actions={
                may && (
                  <Button
                    variant="default"
                    loading={withdrawing.isPending && withdrawing.variables === invitation.id}
                    onClick={() => withdrawing.mutate(invitation.id)}
                  >
                    {t("team.withdraw")}
                  </Button>
                )
              }
            >
              {t("team.expires")} <When at={invitation.expires_at} />
            </Row>
          ))}
        </Rows>
      </Stack>
      <More query={invitations} />
    </Section>
  );
}

function Invite({ workspace }: { workspace: number }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const form = useForm({ initialValues: { email: "", role: "editor" as Role } });
  const inviting = useMutation({
    mutationFn: (body: typeof form.values) => unwrap(invitePerson({ path: { workspace_id: workspace }, body })),
    onSuccess: async () => {
      form.reset();
      await cache.invalidateQueries({ queryKey: ["team"] });
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => inviting.mutate(values))}>
      <Stack gap="sm">
        <Refusal error={inviting.error} />
        <Group align="flex-end" gap="sm">
          <TextInput
            label={t("auth.email")}
            type="email"
            required
            autoComplete="off"
            style={{ flex: "1 1 14rem" }}
            {...form.getInputProps("email")}
          />
          <NativeSelect
            label={t("team.role")}
            data={ROLES.map((value) => ({ value, label: t(`team.roles.${value}`) }))}
            {...form.getInputProps("role")}
          />
          <Button type="submit" loading={inviting.isPending}>
            {t("team.invite")}
          </Button>
        </Group>
        <Text size="sm" c="dimmed">
          {t(`team.roleHints.${form.values.role}`)}
        </Text>
        <div role="status">
          {inviting.data && (
            <Alert color="green" variant="light" title={t("team.invited", { email: inviting.data.email })}>
              {inviting.data.url ? (
                <ShownOnce label={t("team.link")} hint={t("team.linkHint")} value={inviting.data.url} />
              ) : (
                t("team.mailed")
              )}
            </Alert>
          )}
        </div>
      </Stack>
    </form>
  );
}
