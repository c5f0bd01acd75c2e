import { IconChartBar, IconHome, IconLink } from "@tabler/icons-react";

/** What the navigation leads to, in the order of its use; groups are kept apart by a line. */
export const PLACES = [
  [
    { to: "/", label: "nav.home", icon: IconHome },
    { to: "/app/links", label: "nav.links", icon: IconLink },
    { to: "/app/analytics", label: "nav.analytics", icon: IconChartBar },
  ],
] as const;
