/** Whether keys are meant for something else: a field that is typed in, or a dialog or list that is open. */
export function isElsewhere(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.matches("input:not([type=checkbox]), textarea, select") ||
    target.closest("[role=dialog], [role=listbox], [role=menu]") !== null
  );
}
