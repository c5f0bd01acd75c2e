import {
  IconChartBar,
  IconHome,
  IconLink,
  IconServer,
  IconSettings,
  IconTags,
  IconTransfer,
} from "@tabler/icons-react";
import type { Me } from "../api/generated";

/** What the navigation leads to, in the order of its use; groups are kept apart by a line. */
export const PLACES: Place[][] = [
  [
    { to: "/", label: "nav.home", icon: IconHome },
    { to: "/app/links", label: "nav.links", icon: IconLink },
    { to: "/app/analytics", label: "nav.analytics", icon: IconChartBar },
  ],
  [
    { to: "/app/labels", label: "nav.labels", icon: IconTags, needs: "links:read" },
    { to: "/app/transfer", label: "nav.transfer", icon: IconTransfer, needs: "links:read" },
  ],
  [
    { to: "/app/settings", label: "nav.settings", icon: IconSettings },
    { to: "/app/system", label: "nav.system", icon: IconServer, needs: "installation" },
  ],
];

export interface Place {
  to: string;
  label: string;
  icon: typeof IconHome;
  /** Who may not do this is not shown the place. */
  needs?: Me["permissions"][number];
}
