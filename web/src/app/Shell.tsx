import { AppShell, Burger, Divider, Group, NavLink, ScrollArea, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouter, useRouterState } from "@tanstack/react-router";
import { Fragment, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { AccountMenu } from "../features/auth/AccountMenu";
import { meQuery } from "../features/auth/queries";
import { Brand } from "../features/branding/Brand";
import { Offline } from "../features/pwa/Offline";
import { Shortcuts } from "../features/shortcuts/Shortcuts";
import { WorkspaceSwitcher } from "../features/team/WorkspaceSwitcher";
import { Empty } from "../parts/States";
import { placesFor } from "./places";

/** Header, places and the screen; what people who are signed in see around every screen. */
export function Shell() {
  const { t } = useTranslation();
  const [opened, { toggle, close }] = useDisclosure();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const me = useQuery(meQuery).data;
  const router = useRouter();
  const isOut = me === null; // the session was ended elsewhere
  useEffect(() => {
    const { href } = router.latestLocation;
    if (isOut && !href.startsWith("/app/sign-in")) router.navigate({ to: "/app/sign-in", search: { next: href } });
  }, [isOut, router]);
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
            <WorkspaceSwitcher />
          </Group>
          <AccountMenu />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label={t("nav.places")}>
        <AppShell.Section grow component={ScrollArea}>
          {placesFor(me?.permissions ?? []).map((group, index) => (
            <Fragment key={group[0]?.to}>
              {index > 0 && <Divider my="xs" />}
              {group.map(({ to, label, icon: Icon }) => {
                const isHere = to === "/" ? path === "/" : path === to || path.startsWith(`${to}/`);
                return (
                  <NavLink
                    key={to}
                    label={t(label)}
                    leftSection={<Icon size={18} aria-hidden />}
                    active={isHere}
                    aria-current={isHere ? "page" : undefined}
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
        {me && me.permissions.length === 0 && path !== "/app/security" ? <NoWorkspace /> : <Outlet />}
      </AppShell.Main>
      <Shortcuts />
    </AppShell>
  );
}

/** What somebody sees who may sign in and do nothing yet; their own account is open to them by its menu. */
function NoWorkspace() {
  const { t } = useTranslation();
  return (
    <Empty title={t("workspaces.none")}>
      <Text c="dimmed">{t("workspaces.noneHint")}</Text>
    </Empty>
  );
}
