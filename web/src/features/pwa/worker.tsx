import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import i18next from "i18next";

const UPDATE = "update";

/** Let the service worker keep the app's shell; when there is a newer one, ask before the page is loaded anew. */
export async function startWorker() {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  const controlled = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener("controllerchange", () => controlled && location.reload());
  try {
    const registration = await navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" });
    if (registration.waiting) offerUpdate(registration.waiting);
    registration.addEventListener("updatefound", () => {
      const found = registration.installing;
      found?.addEventListener("statechange", () => {
        if (found.state === "installed" && navigator.serviceWorker.controller) offerUpdate(found);
      });
    });
  } catch {
    // not allowed here, as in a private window: the app goes on without
  }
}

function offerUpdate(worker: ServiceWorker) {
  notifications.show({
    id: UPDATE,
    autoClose: false,
    title: i18next.t("pwa.update"),
    message: (
      <Button size="compact-sm" mt="xs" onClick={() => worker.postMessage("take over")}>
        {i18next.t("pwa.reload")}
      </Button>
    ),
  });
}
