import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./global.css";

import { StrictMode, startTransition } from "react";
import { createRoot } from "react-dom/client";

import "./firstBreath";

import { queryClient } from "../api/queryClient";
import { brandingQuery } from "../features/branding/queries";
import { startWorker } from "../features/pwa/worker";
import { startTranslations } from "../i18n";
import { App } from "./App";
import { breathe } from "./breathe";
import { fetchScreen, router } from "./router";

const root = document.getElementById("root");
if (root) start(root);

/** Draw the app once it knows who is there and has the screen's code; until then there is the frame of index.html. */
async function start(root: HTMLElement) {
  fetchScreen();
  queryClient.prefetchQuery(brandingQuery);
  await breathe();
  await Promise.all([startTranslations(), router.load()]);
  await breathe();
  startTransition(() =>
    createRoot(root).render(
      <StrictMode>
        <App />
      </StrictMode>,
    ),
  );
  startWorker();
}
