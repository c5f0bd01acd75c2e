import { useSyncExternalStore } from "react";
import { lastSaid, onSaid } from "./announce";

/** Where screen readers hear what is announced; once, and there from the beginning, or else they would not listen. */
export function Announcer() {
  const { text, nth } = useSyncExternalStore(onSaid, lastSaid);
  return (
    <div role="status" className="visually-hidden" data-announcer>
      <span key={nth}>{text}</span>
    </div>
  );
}
