import i18next from "i18next";
import { useEffect, useRef } from "react";

const STAYS_MS = 5_000;

/** What screen readers are told, and its place among all that was told, so that the same text twice is told twice. */
export interface Said {
  text: string;
  nth: number;
}

let said: Said = { text: "", nth: 0 };
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function say(text: string) {
  said = { text, nth: said.nth + 1 };
  for (const listener of listeners) listener();
}

/** Tell screen readers, as soon as they have nothing else to read, what people see without being told. */
export function announce(text: string) {
  clearTimeout(timer);
  say(text);
  timer = setTimeout(() => say(""), STAYS_MS); // or else it would be found again by who reads on
}

/** Tell that something was done whose only trace is a change in a list. */
export const tellDone = () => announce(i18next.t("state.done"));

/**
 * Tell what came of another search, filter or page of a screen; the first one is told by the screen itself.
 *
 * `asked` is what was asked for, `text` what came of it; undefined: nothing yet.
 */
export function useAnnounced(asked: string, text: string | undefined) {
  const told = useRef<string>(undefined);
  useEffect(() => {
    if (text === undefined || told.current === asked) return;
    if (told.current !== undefined) announce(text);
    told.current = asked;
  }, [asked, text]);
}

export const lastSaid = () => said;

/** Call the listener when there is more to tell; returns what ends it. */
export function onSaid(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
