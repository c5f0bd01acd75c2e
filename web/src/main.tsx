import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./app/global.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { watchForInstall } from "./features/pwa/useInstall";
import { startWorker } from "./features/pwa/worker";
import { startTranslations } from "./i18n";

watchForInstall();

const root = document.getElementById("root");
if (root) {
  startTranslations().then(() =>
    createRoot(root).render(
      <StrictMode>
        <App />
      </StrictMode>,
    ),
  );
  startWorker();
}
