import { Alert, Anchor, Button, Divider, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconLogin2 } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { signIn } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Problem } from "../../api/problem";
import { Door } from "./Door";
import { PasskeySignIn } from "./PasskeySignIn";
import { methodsQuery } from "./queries";
import { useEntered } from "./useEntered";

/** By password and, in a second step, a code; or by a passkey, or by the identity provider. */
export function SignIn() {
  const { t } = useTranslation();
  const { next, problem } = useSearch({ from: "/app/sign-in" });
  const methods = useQuery(methodsQuery);
  const entered = useEntered();
  const [refused, setRefused] = useState<Error | null>(null);
  const form = useForm({ initialValues: { email: "", password: "", code: "" } });
  const [asksForCode, setAsksForCode] = useState(false);
  const entering = useMutation({
    mutationFn: ({ code, ...who }: typeof form.values) =>
      unwrap(signIn({ body: { ...who, code: code.trim() || null } })),
    onMutate: () => setRefused(null),
    onSuccess: () => entered(next),
    onError: (error) => {
      const needed = error instanceof Problem && error.code === "second_factor_needed";
      setAsksForCode(asksForCode || needed);
      setRefused(needed ? null : error);
    },
  });
  function startOver() {
    form.reset();
    setAsksForCode(false);
    setRefused(null);
  }
  if (asksForCode) {
    return (
      <Door title={t("auth.secondStep")} hint={form.values.email} error={refused}>
        <form onSubmit={form.onSubmit((values) => entering.mutate(values))}>
          <Stack>
            <TextInput
              label={t("auth.code")}
              description={t("auth.codeHint")}
              autoComplete="one-time-code"
              required
              autoFocus
              {...form.getInputProps("code")}
            />
            <Button type="submit" loading={entering.isPending}>
              {t("auth.signIn")}
            </Button>
            <Button variant="subtle" onClick={startOver}>
              {t("auth.startOver")}
            </Button>
          </Stack>
        </form>
      </Door>
    );
  }
  return (
    <Door title={t("auth.signIn")} error={refused}>
      {problem && !refused && (
        <Alert role="alert" color="red" variant="light">
          {PROBLEMS.includes(problem) ? t(`auth.problems.${problem}`) : t("auth.problems.other")}
        </Alert>
      )}
      <form onSubmit={form.onSubmit((values) => entering.mutate(values))}>
        <Stack>
          <TextInput
            label={t("auth.email")}
            type="email"
            autoComplete="username webauthn"
            required
            autoFocus
            {...form.getInputProps("email")}
          />
          <PasswordInput
            label={t("auth.password")}
            autoComplete="current-password"
            required
            {...form.getInputProps("password")}
          />
          <Button type="submit" loading={entering.isPending}>
            {t("auth.signIn")}
          </Button>
          {methods.data?.password_by_mail && (
            <Anchor renderRoot={(props) => <Link to="/app/forgot" {...props} />}>{t("auth.forgot")}</Anchor>
          )}
        </Stack>
      </form>
      {(methods.data?.passkeys || methods.data?.oidc) && <Divider label={t("auth.or")} />}
      {methods.data?.oidc && (
        <Button
          component="a"
          href={`/api/v1/auth/oidc/start?next=${encodeURIComponent(next ?? "/app")}`}
          variant="default"
          leftSection={<IconLogin2 size={18} aria-hidden />}
        >
          {t("auth.with", { provider: methods.data.oidc })}
        </Button>
      )}
      {methods.data?.passkeys && <PasskeySignIn onEntered={() => entered(next)} onRefused={setRefused} />}
    </Door>
  );
}

/** What the server says after a sign-in at the identity provider that did not work. */
const PROBLEMS = [
  "expired",
  "refused_there",
  "provider_away",
  "no_email",
  "email_unverified",
  "email_taken",
  "unknown",
  "no_role",
  "disabled",
];
