import { Badge, Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { endOtherSessions, endSession } from "../../api/generated";
import { unwrap } from "../../api/http";
import { tellDone } from "../../parts/announce";
import { Confirm } from "../../parts/Confirm";
import { tellRefusal } from "../../parts/Refusal";
import { Row, Rows } from "../../parts/Rows";
import { Section } from "../../parts/Section";
import { Failed, Waiting } from "../../parts/States";
import { When } from "../../parts/When";
import { browserOf } from "./browser";
import { sessionsQuery } from "./queries";

/** Where one is signed in; each can be ended from here. */
export function SessionsSection() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const sessions = useQuery(sessionsQuery);
  const [asked, setAsked] = useState(false);
  const refresh = () => cache.invalidateQueries({ queryKey: sessionsQuery.queryKey });
  const ending = useMutation({
    mutationFn: (id: number) => unwrap(endSession({ path: { session_id: id } })),
    onSuccess: tellDone,
    onError: tellRefusal,
    onSettled: refresh,
  });
  const endingOthers = useMutation({
    mutationFn: () => unwrap(endOtherSessions()),
    onSuccess: ({ ended }) => notifications.show({ message: t("security.ended", { count: ended }) }),
    onError: tellRefusal,
    onSettled: async () => {
      setAsked(false);
      await refresh();
    },
  });
  const others = sessions.data?.filter((session) => !session.current) ?? [];
  return (
    <Section
      title={t("security.sessions")}
      hint={t("security.sessionsHint")}
      actions={
        others.length > 0 && (
          <Button variant="light" color="red" onClick={() => setAsked(true)}>
            {t("security.endOthers")}
          </Button>
        )
      }
    >
      {sessions.isPending && <Waiting label={t("state.waiting")} height={60} />}
      {sessions.isError && <Failed error={sessions.error} onRetry={sessions.refetch} />}
      <Rows label={t("security.sessions")}>
        {sessions.data?.map((session) => (
          <Row
            key={session.id}
            title={
              <span title={session.user_agent}>{browserOf(session.user_agent) || t("security.unknownBrowser")}</span>
            }
            badges={session.current && <Badge color="green">{t("security.thisOne")}</Badge>}
            actions={
              !session.current && (
                <Button
                  size="compact-sm"
                  variant="default"
                  loading={ending.isPending && ending.variables === session.id}
                  onClick={() => ending.mutate(session.id)}
                >
                  {t("security.end")}
                </Button>
              )
            }
          >
            {t("security.seen")} <When at={session.seen_at} /> · {session.origin} · {t(`security.how.${session.how}`)}
          </Row>
        ))}
      </Rows>
      <Confirm
        opened={asked}
        title={t("security.endOthers")}
        action={t("security.endOthers")}
        onConfirm={() => endingOthers.mutate()}
        onClose={() => setAsked(false)}
        busy={endingOthers.isPending}
      >
        {t("security.endOthersHint")}
      </Confirm>
    </Section>
  );
}
