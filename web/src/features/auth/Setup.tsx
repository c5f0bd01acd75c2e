import { Button, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { setUp } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Door } from "./Door";
import { NewPassword } from "./NewPassword";
import { methodsQuery } from "./queries";
import { takeToken } from "./token";
import { useEntered } from "./useEntered";

/** The first person makes an account; whoever comes later is told that the door is closed. */
export function Setup() {
  const { t } = useTranslation();
  const entered = useEntered();
  const [token] = useState(takeToken);
  const methods = useQuery(methodsQuery);
  const form = useForm({ initialValues: { token, name: "", email: "", password: "" } });
  const settingUp = useMutation({
    mutationFn: (body: typeof form.values) => unwrap(setUp({ body })),
    onSuccess: () => entered("/app/welcome"),
  });
  if (methods.data && !methods.data.setup) {
    return (
      <Door title={t("setup.done")} hint={t("setup.doneHint")}>
        <Button renderRoot={(props) => <Link to="/app/sign-in" {...props} />}>{t("auth.signIn")}</Button>
      </Door>
    );
  }
  return (
    <Door title={t("setup.title")} hint={t("setup.hint")} error={settingUp.error}>
      <form onSubmit={form.onSubmit((values) => settingUp.mutate(values))}>
        <Stack>
          {!token && (
            <TextInput
              label={t("setup.token")}
              description={t("setup.tokenHint")}
              required
              {...form.getInputProps("token")}
            />
          )}
          <TextInput label={t("auth.name")} autoComplete="name" autoFocus {...form.getInputProps("name")} />
          <TextInput
            label={t("auth.email")}
            type="email"
            autoComplete="username"
            required
            {...form.getInputProps("email")}
          />
          <NewPassword {...form.getInputProps("password")} />
          <Button type="submit" loading={settingUp.isPending}>
            {t("setup.submit")}
          </Button>
        </Stack>
      </form>
    </Door>
  );
}
