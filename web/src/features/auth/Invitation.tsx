import { Anchor, Button, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { acceptInvitation, signIn, signOut } from "../../api/generated";
import { chooseWorkspace, unwrap } from "../../api/http";
import { Door } from "./Door";
import { NewPassword } from "./NewPassword";
import { meQuery } from "./queries";
import { forgetInvitation, takeInvitation } from "./token";
import { useEntered } from "./useEntered";

/** Somebody new chooses a password and is in; who has an account joins as who they are. */
export function Invitation() {
  const { t } = useTranslation();
  const [token] = useState(takeInvitation);
  const me = useQuery(meQuery);
  if (!token) {
    return (
      <Door title={t("invitation.broken")} hint={t("invitation.brokenHint")}>
        <Button renderRoot={(props) => <Link to="/app/sign-in" {...props} />}>{t("auth.signIn")}</Button>
      </Door>
    );
  }
  if (me.isPending) return null;
  const user = me.data?.user;
  return user ? <JoinAs token={token} email={user.email} /> : <JoinAnew token={token} />;
}

function JoinAs({ token, email }: { token: string; email: string }) {
  const { t } = useTranslation();
  const entered = useEntered();
  const joining = useMutation({
    mutationFn: () => unwrap(acceptInvitation({ body: { token } })),
    onSuccess: (joined) => {
      forgetInvitation();
      chooseWorkspace(joined.workspace_id);
      return entered();
    },
  });
  const leaving = useMutation({
    mutationFn: () => unwrap(signOut()),
    onSuccess: () => entered("/app/invitation"),
  });
  return (
    <Door title={t("invitation.title")} hint={t("invitation.signedInAs", { email })} error={joining.error}>
      <Button onClick={() => joining.mutate()} loading={joining.isPending}>
        {t("invitation.join")}
      </Button>
      <Button variant="subtle" onClick={() => leaving.mutate()} loading={leaving.isPending}>
        {t("invitation.somebodyElse")}
      </Button>
    </Door>
  );
}

function JoinAnew({ token }: { token: string }) {
  const { t, i18n } = useTranslation();
  const entered = useEntered();
  const form = useForm({ initialValues: { name: "", password: "" } });
  const joining = useMutation({
    mutationFn: async (given: typeof form.values) => {
      const joined = await unwrap(acceptInvitation({ body: { token, locale: i18n.language, ...given } }));
      forgetInvitation();
      chooseWorkspace(joined.workspace_id);
      await unwrap(signIn({ body: { email: joined.email, password: given.password } }));
    },
    onSuccess: () => entered(),
  });
  return (
    <Door title={t("invitation.title")} hint={t("invitation.hint")} error={joining.error}>
      <form onSubmit={form.onSubmit((values) => joining.mutate(values))}>
        <Stack>
          <TextInput label={t("auth.name")} autoComplete="name" autoFocus {...form.getInputProps("name")} />
          <NewPassword {...form.getInputProps("password")} />
          <Button type="submit" loading={joining.isPending}>
            {t("invitation.join")}
          </Button>
          <Anchor renderRoot={(props) => <Link to="/app/sign-in" search={{ next: "/app/invitation" }} {...props} />}>
            {t("invitation.haveAccount")}
          </Anchor>
        </Stack>
      </form>
    </Door>
  );
}
