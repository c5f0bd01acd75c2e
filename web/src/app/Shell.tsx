import { AppShell, Burger, Divider, Group, NavLink, ScrollArea, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { AccountMenu } from "../features/auth/AccountMenu";
import { PLACES } from "./places";

/** Header, places and the screen; what people who are signed in see around every screen. */
export function Shell() {
  const { t } = useTranslation();
  const [opened, { toggle, close }] = useDisclosure();
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
              <Text fw={700} size="lg">
                Shortly
              </Text>
            </UnstyledButton>
          </Group>
          <AccountMenu />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label={t("nav.places")}>
        <AppShell.Section grow component={ScrollArea}>
          {PLACES.map((group, place) => (
            <Fragment key={group[0].to}>
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
        <Outlet />
      </AppShell.Main>
    </AppShell>
  );
}
