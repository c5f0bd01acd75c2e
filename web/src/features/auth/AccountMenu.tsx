import { Avatar, Menu, UnstyledButton, useMantineColorScheme, VisuallyHidden } from "@mantine/core";
import { IconLanguage, IconLogout, IconMoonStars, IconShieldLock } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { signOut } from "../../api/generated";
import { unwrap } from "../../api/http";
import { chooseLocale, LOCALES, type Locale } from "../../i18n";
import { tellRefusal } from "../../parts/Refusal";
import { meQuery } from "./queries";

export function AccountMenu() {
  const { t, i18n } = useTranslation();
  const me = useQuery(meQuery);
  const cache = useQueryClient();
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const leaving = useMutation({
    mutationFn: () => unwrap(signOut()),
    onSuccess: async (elsewhere) => {
      if (elsewhere?.url)
        // an answer without a body is an empty object
        window.location.assign(elsewhere.url); // the identity provider's own sign-out
      else await navigate({ to: "/app/sign-in" });
      cache.clear();
    },
    onError: tellRefusal,
  });
  const user = me.data?.user;
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <UnstyledButton>
          <VisuallyHidden>{t("nav.account")}</VisuallyHidden>
          <Avatar
            name={user?.name || user?.email || "?"}
            color="brand"
            variant="filled"
            radius="xl"
            size="md"
            aria-hidden
          />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{user?.email}</Menu.Label>
        <Menu.Item
          data-autofocus
          leftSection={<IconShieldLock size={16} aria-hidden />}
          renderRoot={(props) => <Link to="/app/security" {...props} />}
        >
          {t("nav.security")}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconMoonStars size={16} aria-hidden />}
          closeMenuOnClick={false}
          onClick={() => setColorScheme(NEXT_SCHEME[colorScheme])}
        >
          {t(`scheme.${colorScheme}`)}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>
          <IconLanguage size={14} aria-hidden /> {t("nav.language")}
        </Menu.Label>
        {(Object.entries(LOCALES) as [Locale, string][]).map(([locale, name]) => (
          <Menu.Item
            key={locale}
            lang={locale}
            aria-current={i18n.language === locale || undefined}
            onClick={() => chooseLocale(locale)}
          >
            {name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => leaving.mutate()}>
          {t("auth.signOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

const NEXT_SCHEME = { auto: "light", light: "dark", dark: "auto" } as const;
