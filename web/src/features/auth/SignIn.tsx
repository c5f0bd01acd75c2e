import { Anchor, Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { signIn } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Problem } from "../../api/problem";
import { Door } from "./Door";
import { meQuery, methodsQuery } from "./queries";

export function SignIn() {
  const { t } = useTranslation();
  const { next } = useSearch({ from: "/app/sign-in" });
  const navigate = useNavigate();
  const cache = useQueryClient();
  const methods = useQuery(methodsQuery);
  const form = useForm({ initialValues: { email: "", password: "", code: "" } });
  const entering = useMutation({
    mutationFn: ({ code, ...who }: typeof form.values) =>
      unwrap(signIn({ body: { ...who, code: code.trim() || null } })),
    onSuccess: async () => {
      cache.clear();
      await cache.fetchQuery(meQuery);
      await navigate({ to: next ?? "/" });
    },
  });
  const asksForCode = entering.error instanceof Problem && entering.error.code === "second_factor_needed";
  const showsCode = asksForCode || form.values.code !== "";
  return (
    <Door title={t("auth.signIn")} error={asksForCode ? null : entering.error}>
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
          {showsCode && (
            <TextInput
              label={t("auth.code")}
              description={t("auth.codeHint")}
              autoComplete="one-time-code"
              inputMode="numeric"
              required
              data-autofocus
              {...form.getInputProps("code")}
            />
          )}
          <Button type="submit" loading={entering.isPending}>
            {t("auth.signIn")}
          </Button>
          {methods.data?.password_by_mail && (
            <Anchor renderRoot={(props) => <Link to="/app/forgot" {...props} />}>{t("auth.forgot")}</Anchor>
          )}
        </Stack>
      </form>
    </Door>
  );
}
