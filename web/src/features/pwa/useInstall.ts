import { useSyncExternalStore } from "react";

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

/** Return what asks the browser to install the app; null: it does not offer that. */
export function useInstall(): (() => void) | null {
  const prompt = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => offered,
  );
  if (!prompt) return null;
  return () => {
    prompt.prompt();
    offer(null);
  };
}
