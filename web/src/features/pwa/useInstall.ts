import { useSyncExternalStore } from "react";
import { askToInstall, offeredInstall, onInstallOffer } from "./install";

/** Return what asks the browser to install the app; null: it does not offer that. */
export function useInstall(): (() => void) | null {
  return useSyncExternalStore(onInstallOffer, offeredInstall) && askToInstall;
}
