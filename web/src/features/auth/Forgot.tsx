import { Anchor, Button, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { forgetPassword } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Door } from "./Door";

export function Forgot() {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { email: "" } });
  const asking = useMutation({ mutationFn: (body: typeof form.values) => unwrap(forgetPassword({ body })) });
  return (
    <Door
      title={t("auth.forgot")}
      hint={asking.isSuccess ? t("auth.mailSent") : t("auth.forgotHint")}
      error={asking.error}
    >
      {!asking.isSuccess && (
        <form onSubmit={form.onSubmit((values) => asking.mutate(values))}>
          <Stack>
            <TextInput
              label={t("auth.email")}
              type="email"
              autoComplete="username"
              required
              autoFocus
              {...form.getInputProps("email")}
            />
            <Button type="submit" loading={asking.isPending}>
              {t("auth.sendLink")}
            </Button>
          </Stack>
        </form>
      )}
      <Anchor renderRoot={(props) => <Link to="/app/sign-in" {...props} />}>{t("auth.backToSignIn")}</Anchor>
    </Door>
  );
}
