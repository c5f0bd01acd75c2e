import { Button, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { resetPassword } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Door } from "./Door";
import { NewPassword } from "./NewPassword";
import { takeToken } from "./token";

export function Reset() {
  const { t } = useTranslation();
  const [token] = useState(takeToken);
  const form = useForm({ initialValues: { password: "" } });
  const resetting = useMutation({
    mutationFn: ({ password }: typeof form.values) => unwrap(resetPassword({ body: { token, password } })),
  });
  if (resetting.isSuccess) {
    return (
      <Door title={t("auth.passwordChanged")} hint={t("auth.passwordChangedHint")}>
        <Button renderRoot={(props) => <Link to="/app/sign-in" {...props} />}>{t("auth.signIn")}</Button>
      </Door>
    );
  }
  return (
    <Door title={t("auth.newPassword")} error={resetting.error}>
      <form onSubmit={form.onSubmit((values) => resetting.mutate(values))}>
        <Stack>
          <NewPassword label={t("auth.newPassword")} autoFocus {...form.getInputProps("password")} />
          <Button type="submit" loading={resetting.isPending}>
            {t("auth.savePassword")}
          </Button>
        </Stack>
      </form>
    </Door>
  );
}
