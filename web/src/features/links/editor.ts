import { useSyncExternalStore } from "react";

/** What the drawer of the form shows; null: it is closed. */
export type Editing = { kind: "new"; target?: string } | { kind: "edit"; slug: string; domain: string } | null;

let editing: Editing = null;
const listeners = new Set<() => void>();

/** Open the form from anywhere, or close it. */
export function edit(wanted: Editing) {
  editing = wanted;
  for (const listener of listeners) listener();
}

export const useEditing = () =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => editing,
  );
