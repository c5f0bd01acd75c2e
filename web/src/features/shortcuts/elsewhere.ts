import { singleKeysAreOn } from "./singleKeys";

/** Whether a key alone is meant for something else, or nothing: a field that is typed in, a dialog or list that is open. */
export function isElsewhere(target: EventTarget | null): boolean {
  if (!singleKeysAreOn()) return true;
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.matches("input:not([type=checkbox]), textarea, select") ||
    target.closest("[role=dialog], [role=listbox], [role=menu]") !== null
  );
}
