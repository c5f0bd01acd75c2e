import {
  IconChartBar,
  IconFlag,
  IconHistory,
  IconHome,
  IconKey,
  IconLink,
  IconServer,
  IconSettings,
  IconShieldLock,
  IconTags,
  IconTransfer,
  IconUserCog,
  IconUsers,
  IconWorld,
} from "@tabler/icons-react";
import type { Permission } from "../features/auth/queries";

/** What the navigation leads to, in the order of its use; groups are kept apart by a line. */
export const PLACES: Place[][] = [
  [
    { to: "/", label: "nav.home", icon: IconHome },
    { to: "/app/links", label: "nav.links", icon: IconLink },
    { to: "/app/analytics", label: "nav.analytics", icon: IconChartBar },
  ],
  [
    { to: "/app/labels", label: "nav.labels", icon: IconTags, needs: "links:read" },
    { to: "/app/domains", label: "nav.domains", icon: IconWorld, needs: "domains:read" },
    { to: "/app/transfer", label: "nav.transfer", icon: IconTransfer, needs: "links:read" },
  ],
  [
    { to: "/app/team", label: "nav.team", icon: IconUsers, needs: "users:read" },
    { to: "/app/keys", label: "nav.keys", icon: IconKey, needs: "keys:read" },
    { to: "/app/reports", label: "nav.reports", icon: IconFlag, needs: "reports:read" },
    { to: "/app/audit", label: "nav.audit", icon: IconHistory, needs: "audit:read" },
  ],
  [
    { to: "/app/security", label: "nav.security", icon: IconShieldLock },
    { to: "/app/settings", label: "nav.settings", icon: IconSettings },
    { to: "/app/people", label: "nav.people", icon: IconUserCog, needs: "installation" },
    { to: "/app/system", label: "nav.system", icon: IconServer, needs: "installation" },
  ],
];

export interface Place {
  to: string;
  label: string;
  icon: typeof IconHome;
  /** Who may not do this is not shown the place. */
  needs?: Permission;
}

/** Return the places of somebody who may do this, without empty groups. */
export function placesFor(permissions: readonly Permission[]): Place[][] {
  const open = ({ needs }: Place) => needs === undefined || permissions.includes(needs);
  return PLACES.map((group) => group.filter(open)).filter((group) => group.length > 0);
}
