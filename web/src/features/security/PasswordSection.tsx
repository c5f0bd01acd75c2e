import { Button, PasswordInput, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { changePassword } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Refusal } from "../../parts/Refusal";
import { Section } from "../../parts/Section";

export function PasswordSection() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const form = useForm({ initialValues: { password: "", new_password: "" } });
  const changing = useMutation({
    mutationFn: (body: typeof form.values) => unwrap(changePassword({ body })),
    onSuccess: async () => {
      form.reset();
      notifications.show({ message: t("security.passwordChanged") });
      await cache.invalidateQueries({ queryKey: ["security"] });
    },
  });
  return (
    <Section title={t("auth.password")} hint={t("security.passwordHint")}>
      <form onSubmit={form.onSubmit((values) => changing.mutate(values))}>
        <Stack maw={420}>
          <Refusal error={changing.error} />
          <PasswordInput
            label={t("security.presentPassword")}
            autoComplete="current-password"
            required
            {...form.getInputProps("password")}
          />
          <PasswordInput
            label={t("auth.newPassword")}
            description={t("auth.passwordHint")}
            autoComplete="new-password"
            required
            {...form.getInputProps("new_password")}
          />
          <Button type="submit" loading={changing.isPending} style={{ alignSelf: "flex-start" }}>
            {t("security.changePassword")}
          </Button>
        </Stack>
      </form>
    </Section>
  );
}
