import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { lazy, Suspense, useLayoutEffect, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { queryClient } from "../api/queryClient";
import { Announcer } from "../parts/Announcer";
import { router } from "./router";
import { themeWith } from "./theme";

const Notifications = lazy(() => import("./Notices").then((module) => ({ default: module.Notifications })));

export function App() {
  const { t } = useTranslation();
  const close = t("state.close");
  const theme = useMemo(() => themeWith(close), [close]);
  useLayoutEffect(() => document.querySelector("body > .frame")?.remove(), []);
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <Suspense>
          <Notifications position="bottom-right" />
        </Suspense>
        <RouterProvider router={router} />
        <Announcer />
      </QueryClientProvider>
    </MantineProvider>
  );
}
