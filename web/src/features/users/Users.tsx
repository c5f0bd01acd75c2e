import { Alert, Badge, Button, Menu, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconChevronDown, IconSearch } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  deleteUser,
  editUser,
  endSessionsOfUser,
  makeResetLink,
  removeSecondFactor,
  type UserOut,
} from "../../api/generated";
import { unwrap } from "../../api/http";
import { formatNumber } from "../../i18n/format";
import { tellDone, useAnnounced } from "../../parts/announce";
import { Confirm } from "../../parts/Confirm";
import { More } from "../../parts/More";
import { tellRefusal } from "../../parts/Refusal";
import { Row, Rows } from "../../parts/Rows";
import { Screen } from "../../parts/Screen";
import { ShownOnce } from "../../parts/ShownOnce";
import { Empty, Failed, Waiting } from "../../parts/States";
import { When } from "../../parts/When";
import { meQuery } from "../auth/queries";
import { matches, usersQuery } from "./queries";

/** Everybody of the installation, for those who look after it. */
export function Users() {
  const { t } = useTranslation();
  const users = useInfiniteQuery(usersQuery);
  const [typed, setTyped] = useState("");
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = users;
  useEffect(() => {
    if (typed && hasNextPage && !isFetchingNextPage) fetchNextPage(); // a search is over everybody
  }, [typed, hasNextPage, isFetchingNextPage, fetchNextPage]);
  const found = users.data?.pages.flatMap((page) => page.items).filter((user) => matches(user, typed)) ?? [];
  const count = found.length;
  useAnnounced(typed, hasNextPage ? undefined : t("state.found", { count, number: formatNumber(count) }));
  return (
    <Screen title={t("nav.people")} width={960}>
      <TextInput
        label={t("people.search")}
        type="search"
        leftSection={<IconSearch size={16} aria-hidden />}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      {users.isPending && <Waiting label={t("state.waiting")} />}
      {users.isError && <Failed error={users.error} onRetry={users.refetch} />}
      {users.isSuccess && found.length === 0 && !isFetchingNextPage && <Empty title={t("people.none")} />}
      <Rows label={t("nav.people")}>
        {found.map((user) => (
          <Person key={user.id} user={user} />
        ))}
      </Rows>
      <More query={users} />
    </Screen>
  );
}

type Step = "link" | "sessions" | "factor" | "delete";

function Person({ user }: { user: UserOut }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const myself = useQuery(meQuery).data?.user?.id === user.id;
  const [asked, setAsked] = useState<Exclude<Step, "link"> | null>(null);
  const refresh = () => cache.invalidateQueries({ queryKey: usersQuery.queryKey });
  const linking = useMutation({
    mutationFn: () => unwrap(makeResetLink({ path: { user_id: user.id } })),
    onError: tellRefusal,
  });
  const editing = useMutation({
    mutationFn: (body: { enabled?: boolean; admin?: boolean }) =>
      unwrap(editUser({ path: { user_id: user.id }, body })),
    onSuccess: tellDone,
    onError: tellRefusal,
    onSettled: refresh,
  });
  const doing = useMutation({
    mutationFn: async (step: Exclude<Step, "link">) => {
      const path = { user_id: user.id };
      if (step === "sessions") await unwrap(endSessionsOfUser({ path }));
      else if (step === "factor") await unwrap(removeSecondFactor({ path }));
      else await unwrap(deleteUser({ path }));
    },
    onSuccess: () => notifications.show({ message: t("people.done") }),
    onError: tellRefusal,
    onSettled: async () => {
      setAsked(null);
      await refresh();
    },
  });
  const name = user.name || user.email;
  return (
    <Row
      title={name}
      badges={
        <>
          {user.admin && <Badge variant="light">{t("people.admin")}</Badge>}
          {!user.enabled && <Badge color="red">{t("people.disabled")}</Badge>}
        </>
      }
      actions={
        <Menu position="bottom-end" width={260}>
          <Menu.Target>
            <Button
              variant="default"
              rightSection={<IconChevronDown size={14} aria-hidden />}
              aria-label={t("people.actionsOf", { name })}
            >
              {t("people.actions")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item data-autofocus onClick={() => linking.mutate()}>
              {t("people.resetLink")}
            </Menu.Item>
            <Menu.Item onClick={() => setAsked("sessions")}>{t("people.endSessions")}</Menu.Item>
            <Menu.Item onClick={() => setAsked("factor")}>{t("people.removeFactor")}</Menu.Item>
            {!myself && (
              <>
                <Menu.Divider />
                <Menu.Item onClick={() => editing.mutate({ admin: !user.admin })}>
                  {user.admin ? t("people.unmakeAdmin") : t("people.makeAdmin")}
                </Menu.Item>
                <Menu.Item onClick={() => editing.mutate({ enabled: !user.enabled })}>
                  {user.enabled ? t("people.disable") : t("people.enable")}
                </Menu.Item>
                <Menu.Item color="red" onClick={() => setAsked("delete")}>
                  {t("people.delete")}
                </Menu.Item>
              </>
            )}
          </Menu.Dropdown>
        </Menu>
      }
    >
      {user.email} · {t("people.signedIn")} {user.signed_in_at ? <When at={user.signed_in_at} /> : t("people.never")}
      {linking.data && (
        <Alert color="green" variant="light" mt="xs">
          <ShownOnce label={t("people.resetLink")} hint={t("people.resetLinkHint")} value={linking.data.url} />
        </Alert>
      )}
      <Confirm
        opened={asked !== null}
        title={t(`people.ask.${asked ?? "delete"}`, { name })}
        action={t("people.goOn")}
        typed={asked === "delete" ? user.email : undefined}
        onConfirm={() => asked && doing.mutate(asked)}
        onClose={() => setAsked(null)}
        busy={doing.isPending}
      >
        {t(`people.askHint.${asked ?? "delete"}`)}
      </Confirm>
    </Row>
  );
}
