interface InstallPrompt extends Event {
  prompt: () => Promise<void>;
}

let offered: InstallPrompt | null = null;
const listeners = new Set<() => void>();

function offer(prompt: InstallPrompt | null) {
  offered = prompt;
  for (const listener of listeners) listener();
}

/** Keep the browser's offer to install the app for when somebody asks for it; it comes once, early. */
export function watchForInstall() {
  window.addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offer(event as InstallPrompt);
  });
  window.addEventListener("appinstalled", () => offer(null));
}

/** What the browser offers; null: nothing. */
export const offeredInstall = () => offered;

/** Call the listener when that changes; returns what ends it. */
export function onInstallOffer(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Let the browser ask whether to install the app. */
export function askToInstall() {
  offered?.prompt();
  offer(null);
}
