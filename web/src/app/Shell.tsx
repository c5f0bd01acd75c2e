import { AppShell, Burger, Divider, Group, NavLink, ScrollArea, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { AccountMenu } from "../features/auth/AccountMenu";
import { meQuery } from "../features/auth/queries";
import { Brand } from "../features/branding/Brand";
import { Offline } from "../features/pwa/Offline";
import { Shortcuts } from "../features/shortcuts/Shortcuts";
import { PLACES } from "./places";

/** Header, places and the screen; what people who are signed in see around every screen. */
export function Shell() {
  const { t } = useTranslation();
  const [opened, { toggle, close }] = useDisclosure();
  const { data: me } = useQuery(meQuery);
  const places = PLACES.map((group) => group.filter(({ needs }) => !needs || me?.permissions.includes(needs))).filter(
    (group) => group.length > 0,
  );
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding={{ base: "sm", sm: "lg" }}
    >
      <a className="skip-link" href="#main">
        {t("nav.skip")}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t("nav.menu")} />
            <UnstyledButton renderRoot={(props) => <Link to="/" {...props} />}>
              <Brand />
            </UnstyledButton>
          </Group>
          <AccountMenu />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label={t("nav.places")}>
        <AppShell.Section grow component={ScrollArea}>
          {places.map((group, place) => (
            <Fragment key={group[0]?.to}>
              {place > 0 && <Divider my="xs" />}
              {group.map(({ to, label, icon: Icon }) => {
                const here = to === "/" ? path === "/" : path === to || path.startsWith(`${to}/`);
                return (
                  <NavLink
                    key={to}
                    label={t(label)}
                    leftSection={<Icon size={18} aria-hidden />}
                    active={here}
                    aria-current={here ? "page" : undefined}
                    onClick={close}
                    renderRoot={(props) => <Link to={to} {...props} />}
                  />
                );
              })}
            </Fragment>
          ))}
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <Offline />
        <Outlet />
      </AppShell.Main>
      <Shortcuts />
    </AppShell>
  );
}
