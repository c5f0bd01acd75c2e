import { Group, NativeSelect, Stack, Text, useMantineColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { chooseLocale, LOCALES, type Locale } from "../../i18n";
import { Screen } from "../../parts/Screen";
import { Section } from "../../parts/Section";
import { meQuery } from "../auth/queries";
import { AppSection } from "./AppSection";
import { PasskeysSection } from "./PasskeysSection";
import { PasswordSection } from "./PasswordSection";
import { SessionsSection } from "./SessionsSection";

/** One's own account: who one is, how one comes in, and from where. */
export function Security() {
  const { t } = useTranslation();
  return (
    <Screen title={t("nav.security")} width={800}>
      <Myself />
      <PasswordSection />
      <PasskeysSection />
      <AppSection />
      <SessionsSection />
    </Screen>
  );
}

function Myself() {
  const { t, i18n } = useTranslation();
  const user = useQuery(meQuery).data?.user;
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Section title={t("security.you")}>
      <Stack>
        <Stack gap={0}>
          <Text fw={600}>{user?.name}</Text>
          <Text c="dimmed">{user?.email}</Text>
        </Stack>
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

const SCHEMES = ["auto", "light", "dark"] as const;
