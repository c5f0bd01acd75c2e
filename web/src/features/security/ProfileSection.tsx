import { Button, Group, NativeSelect, Stack, TextInput, useMantineColorScheme } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { editMe, type Myself } from "../../api/generated";
import { unwrap } from "../../api/http";
import { chooseLocale, LOCALES, type Locale } from "../../i18n";
import { Refusal } from "../../parts/Refusal";
import { Section } from "../../parts/Section";
import { meQuery } from "../auth/queries";

/** What one is called, and how this browser shows the app. */
export function ProfileSection() {
  const { t, i18n } = useTranslation();
  const user = useQuery(meQuery).data?.user;
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Section title={t("security.you")} hint={user?.email}>
      <Stack>
        {user && <NameForm user={user} />}
        <Group grow preventGrowOverflow={false}>
          <NativeSelect
            label={t("nav.language")}
            data={Object.entries(LOCALES).map(([value, label]) => ({ value, label }))}
            value={i18n.language}
            onChange={(event) => chooseLocale(event.currentTarget.value as Locale)}
          />
          <NativeSelect
            label={t("security.colours")}
            data={SCHEMES.map((value) => ({ value, label: t(`security.scheme.${value}`) }))}
            value={colorScheme}
            onChange={(event) => setColorScheme(event.currentTarget.value as (typeof SCHEMES)[number])}
          />
        </Group>
      </Stack>
    </Section>
  );
}

function NameForm({ user }: { user: Myself }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const form = useForm({ initialValues: { name: user.name } });
  const saving = useMutation({
    mutationFn: (body: typeof form.values) => unwrap(editMe({ body })),
    onSuccess: async ({ name }) => {
      form.setInitialValues({ name });
      form.reset();
      notifications.show({ message: t("security.nameSaved") });
      await cache.invalidateQueries({ queryKey: meQuery.queryKey });
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => saving.mutate(values))}>
      <Stack gap="xs">
        <Refusal error={saving.error} />
        <Group align="flex-end" gap="sm">
          <TextInput
            label={t("auth.name")}
            autoComplete="name"
            maxLength={128}
            style={{ flex: "1 1 14rem" }}
            {...form.getInputProps("name")}
          />
          <Button type="submit" variant="default" loading={saving.isPending} disabled={!form.isDirty()}>
            {t("security.save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

const SCHEMES = ["auto", "light", "dark"] as const;
