import { Button, Code, Group, List, NativeSelect, Stack, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { renameWorkspace } from "../../api/generated";
import { unwrap } from "../../api/http";
import { chooseLocale, LOCALES, type Locale } from "../../i18n";
import { Bookmark } from "../tools/Bookmark";
import { Door } from "./Door";
import { meQuery } from "./queries";

/** What the first person may want to say right after the account is made; all of it can be skipped. */
export function Welcome() {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const me = useQuery(meQuery);
  const form = useForm({ initialValues: { name: "" } });
  const saving = useMutation({
    mutationFn: async ({ name }: typeof form.values) => {
      const workspace = me.data?.workspace_id;
      if (name.trim() && workspace) {
        await unwrap(renameWorkspace({ path: { workspace_id: workspace }, body: { name: name.trim() } }));
      }
    },
    onSuccess: () => navigate({ to: "/" }),
  });
  return (
    <Door title={t("welcome.title")} hint={t("welcome.hint")} error={saving.error}>
      <form onSubmit={form.onSubmit((values) => saving.mutate(values))}>
        <Stack>
          <TextInput
            label={t("welcome.workspace")}
            description={t("welcome.workspaceHint")}
            autoFocus
            {...form.getInputProps("name")}
          />
          <NativeSelect
            label={t("nav.language")}
            data={Object.entries(LOCALES).map(([value, label]) => ({ value, label }))}
            value={i18n.language}
            onChange={(event) => chooseLocale(event.currentTarget.value as Locale)}
          />
          <Stack gap={4}>
            <Title order={2} size="h5">
              {t("welcome.first")}
            </Title>
            <List type="ordered" size="sm" spacing={4}>
              <List.Item>{t("welcome.paste")}</List.Item>
              <List.Item>{t("welcome.enter")}</List.Item>
              <List.Item>{t("welcome.send")}</List.Item>
            </List>
            <Text size="sm" c="dimmed">
              {t("welcome.shell")} <Code>shortly add https://example.com</Code>
            </Text>
          </Stack>
          <Stack gap={4} align="flex-start" visibleFrom="sm">
            <Bookmark />
            <Text size="sm" c="dimmed">
              {t("tools.bookmarkHint")}
            </Text>
          </Stack>
          <Group grow>
            <Button variant="default" onClick={() => navigate({ to: "/" })}>
              {t("welcome.skip")}
            </Button>
            <Button type="submit" loading={saving.isPending}>
              {t("welcome.go")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Door>
  );
}
