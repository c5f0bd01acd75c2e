import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { queryClient } from "../api/queryClient";
import { type AuditSearch, readAuditSearch } from "../features/audit/queries";
import { asksForSecondFactor, meQuery, workspacesQuery } from "../features/auth/queries";
import { type LinkSearch, readLinkSearch } from "../features/links/search";
import { readStatsSearch, type StatsSearch } from "../features/stats/search";
import { readShared, type Shared } from "../features/tools/bookmarklet";
import { Broken } from "./Broken";
import { NotFound } from "./NotFound";
import { Shell } from "./Shell";

interface Context {
  queryClient: typeof queryClient;
}

const root = createRootRouteWithContext<Context>()({ notFoundComponent: NotFound });

/** Screens of people who are signed in; others are led to the door, and back afterwards. */
const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  beforeLoad: async ({ context, location }) => {
    const me = await context.queryClient.ensureQueryData(meQuery);
    if (!me) throw redirect({ to: "/app/sign-in", search: { next: location.href } });
    if (me.permissions.length === 0) {
      try {
        await context.queryClient.fetchQuery(workspacesQuery(false));
      } catch (error) {
        if (asksForSecondFactor(error)) throw redirect({ to: "/app/second-factor" });
      }
    }
    return { me };
  },
});

const home = createRoute({
  getParentRoute: () => inside,
  path: "/",
  component: lazyRouteComponent(() => import("../features/home/Home"), "Home"),
  loader: ({ context }) => {
    import("../features/home/Home").then(({ fetchHome }) => fetchHome(context.queryClient)); // while it is drawn
  },
});

const links = createRoute({
  getParentRoute: () => inside,
  path: "/app/links",
  validateSearch: (search: Record<string, unknown>): LinkSearch => readLinkSearch(search),
  component: lazyRouteComponent(() => import("../features/links/LinksScreen"), "LinksScreen"),
});

const link = createRoute({
  getParentRoute: () => inside,
  path: "/app/links/$slug",
  validateSearch: (search: Record<string, unknown>): StatsSearch & { domain?: string } => ({
    ...readStatsSearch(search),
    ...(typeof search.domain === "string" && search.domain ? { domain: search.domain } : {}),
  }),
  component: lazyRouteComponent(() => import("../features/stats/LinkScreen"), "LinkScreen"),
});

const broken = createRoute({
  getParentRoute: () => inside,
  path: "/app/broken",
  component: lazyRouteComponent(() => import("../features/checks/BrokenScreen"), "BrokenScreen"),
});

const analytics = createRoute({
  getParentRoute: () => inside,
  path: "/app/analytics",
  validateSearch: (search: Record<string, unknown>): StatsSearch => readStatsSearch(search),
  component: lazyRouteComponent(() => import("../features/stats/AnalyticsScreen"), "AnalyticsScreen"),
});

const labels = createRoute({
  getParentRoute: () => inside,
  path: "/app/labels",
  component: lazyRouteComponent(() => import("../features/labels/LabelsScreen"), "LabelsScreen"),
});

const domains = createRoute({
  getParentRoute: () => inside,
  path: "/app/domains",
  component: lazyRouteComponent(() => import("../features/domains/DomainsScreen"), "DomainsScreen"),
});

const transfer = createRoute({
  getParentRoute: () => inside,
  path: "/app/transfer",
  component: lazyRouteComponent(() => import("../features/transfer/TransferScreen"), "TransferScreen"),
});

const settings = createRoute({
  getParentRoute: () => inside,
  path: "/app/settings",
  component: lazyRouteComponent(() => import("../features/settings/SettingsScreen"), "SettingsScreen"),
});

const system = createRoute({
  getParentRoute: () => inside,
  path: "/app/system",
  component: lazyRouteComponent(() => import("../features/system/SystemScreen"), "SystemScreen"),
});

const share = createRoute({
  getParentRoute: () => inside,
  path: "/app/share",
  validateSearch: (search: Record<string, unknown>): Shared => readShared(search),
  component: lazyRouteComponent(() => import("../features/tools/ShareScreen"), "ShareScreen"),
});

const team = createRoute({
  getParentRoute: () => inside,
  path: "/app/team",
  component: lazyRouteComponent(() => import("../features/team/Team"), "Team"),
});

const keys = createRoute({
  getParentRoute: () => inside,
  path: "/app/keys",
  component: lazyRouteComponent(() => import("../features/keys/Keys"), "Keys"),
});

const reports = createRoute({
  getParentRoute: () => inside,
  path: "/app/reports",
  component: lazyRouteComponent(() => import("../features/reports/Reports"), "Reports"),
});

const audit = createRoute({
  getParentRoute: () => inside,
  path: "/app/audit",
  validateSearch: (search: Record<string, unknown>): AuditSearch => readAuditSearch(search),
  component: lazyRouteComponent(() => import("../features/audit/Audit"), "Audit"),
});

const security = createRoute({
  getParentRoute: () => inside,
  path: "/app/security",
  component: lazyRouteComponent(() => import("../features/security/Security"), "Security"),
});

const people = createRoute({
  getParentRoute: () => inside,
  path: "/app/people",
  component: lazyRouteComponent(() => import("../features/users/Users"), "Users"),
});

/** Where the installed app begins, and identity providers lead back to. */
const app = createRoute({
  getParentRoute: () => root,
  path: "/app",
  beforeLoad: () => {
    throw redirect({ to: "/" });
  },
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/app/sign-in",
  validateSearch: (search: Record<string, unknown>): { next?: string; problem?: string } => ({
    next: typeof search.next === "string" && /^\/(?![/\\])/.test(search.next) ? search.next : undefined,
    problem: typeof search.problem === "string" ? search.problem : undefined,
  }),
  component: lazyRouteComponent(() => import("../features/auth/SignIn"), "SignIn"),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: "/app/setup",
  component: lazyRouteComponent(() => import("../features/auth/Setup"), "Setup"),
});

const forgot = createRoute({
  getParentRoute: () => root,
  path: "/app/forgot",
  component: lazyRouteComponent(() => import("../features/auth/Forgot"), "Forgot"),
});

const reset = createRoute({
  getParentRoute: () => root,
  path: "/app/reset-password",
  component: lazyRouteComponent(() => import("../features/auth/Reset"), "Reset"),
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: "/app/invitation",
  component: lazyRouteComponent(() => import("../features/auth/Invitation"), "Invitation"),
});

const secondFactor = createRoute({
  getParentRoute: () => root,
  path: "/app/second-factor",
  component: lazyRouteComponent(() => import("../features/auth/SecondFactor"), "SecondFactor"),
});

const welcome = createRoute({
  getParentRoute: () => root,
  path: "/app/welcome",
  component: lazyRouteComponent(() => import("../features/auth/Welcome"), "Welcome"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    inside.addChildren([
      home,
      links,
      link,
      broken,
      analytics,
      labels,
      domains,
      transfer,
      team,
      keys,
      reports,
      audit,
      settings,
      system,
      security,
      people,
      share,
    ]),
    app,
    signIn,
    setup,
    forgot,
    reset,
    invitation,
    secondFactor,
    welcome,
  ]),
  context: { queryClient },
  defaultErrorComponent: Broken,
  defaultPreload: "intent",
  scrollRestoration: true,
});

/** Fetch the code of the screen that is asked for while it is still being found out who is there. */
export function fetchScreen() {
  for (const { routeId } of router.matchRoutes(router.latestLocation)) {
    const route = router.routesById[routeId as keyof typeof router.routesById];
    router.loadRouteChunk(route)?.catch(() => {}); // whoever draws the screen tells
  }
}

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
