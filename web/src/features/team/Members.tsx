import { Badge, Button, NativeSelect } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { changeRole, type MemberOut, removeMember } from "../../api/generated";
import { unwrap } from "../../api/http";
import { tellDone } from "../../parts/announce";
import { Confirm } from "../../parts/Confirm";
import { More } from "../../parts/More";
import { tellRefusal } from "../../parts/Refusal";
import { Row, Rows } from "../../parts/Rows";
import { Section } from "../../parts/Section";
import { Failed, Waiting } from "../../parts/States";
import { useMay } from "../auth/useMay";
import { membersQuery, ROLES, type Role } from "./queries";

export function Members({ workspace, myself }: { workspace: number; myself?: number }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const may = useMay("users:write");
  const members = useInfiniteQuery(membersQuery(workspace));
  const [removed, setRemoved] = useState<MemberOut | null>(null);
  const refresh = () =>
    Promise.all([cache.invalidateQueries({ queryKey: ["team"] }), cache.invalidateQueries({ queryKey: ["me"] })]);
  const changing = useMutation({
    mutationFn: ({ id, role }: { id: number; role: Role }) =>
      unwrap(changeRole({ path: { workspace_id: workspace, user_id: id }, body: { role } })),
    onSuccess: tellDone,
    onError: tellRefusal,
    onSettled: refresh,
  });
  const removing = useMutation({
    mutationFn: (id: number) => unwrap(removeMember({ path: { workspace_id: workspace, user_id: id } })),
    onSuccess: tellDone,
    onError: tellRefusal,
    onSettled: async () => {
      setRemoved(null);
      await refresh();
    },
  });
  return (
    <Section title={t("team.members")} hint={t("team.membersHint")}>
      {members.isPending && <Waiting label={t("state.waiting")} />}
      {members.isError && <Failed error={members.error} onRetry={members.refetch} />}
      <Rows label={t("team.members")}>
        {members.data?.pages
          .flatMap((page) => page.items)
          .map((member) => (
            <Row
              key={member.user_id}
              title={member.name || member.email}
              badges={
                <>
                  {member.user_id === myself && <Badge variant="light">{t("team.you")}</Badge>}
                  {!member.enabled && <Badge color="red">{t("people.disabled")}</Badge>}
                </>
              }
              actions={
                may && (
                  <>
                    <NativeSelect
                      aria-label={t("team.roleOf", { name: member.name || member.email })}
                      data={ROLES.map((value) => ({ value, label: t(`team.roles.${value}`) }))}
                      value={member.role}
                      disabled={changing.isPending}
                      onChange={(event) =>
                        changing.mutate({ id: member.user_id, role: event.currentTarget.value as Role })
                      }
                    />
                    <Button variant="light" color="red" onClick={() => setRemoved(member)}>
                      {t("team.remove")}
                    </Button>
                  </>
                )
              }
            >
              {member.email}
              {!may && ` · ${t(`team.roles.${member.role}`)}`}
            </Row>
          ))}
      </Rows>
      <More query={members} />
      <Confirm
        opened={removed !== null}
        title={t("team.removeName", { name: removed?.name || removed?.email })}
        action={t("team.remove")}
        onConfirm={() => removed && removing.mutate(removed.user_id)}
        onClose={() => setRemoved(null)}
        busy={removing.isPending}
      >
        {t("team.removeHint")}
      </Confirm>
    </Section>
  );
}
