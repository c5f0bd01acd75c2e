import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { type LiveOut, watchLive } from "../../api/generated";
import { refreshCounts } from "./queries";

export const HOUR = 360;
const SILENT_MS = 45_000;
const AGAIN_MS = 2_000;
const COUNTS_MS = 3_000;

export interface LiveHour {
  /** Unix seconds / 10; 0: nothing is known yet. */
  until: number;
  /** By moment: clicks, bots among them. */
  moments: Map<number, number>;
}

export type Connection = "connecting" | "open" | "reconnecting";

/** Return what is known after an event: a whole hour, or what changed in it. */
export function after(known: LiveHour, event: string | undefined, { until, moments }: LiveOut): LiveHour {
  const next = new Map(event === "hour" ? [] : known.moments);
  for (const [moment, clicks] of moments) next.set(moment, clicks);
  for (const moment of next.keys()) if (moment <= until - HOUR) next.delete(moment);
  return { until, moments: next };
}

/** The clicks of the last hour as the server tells them; comes back by itself, and goes on where it was. */
export function useLive(): [LiveHour, Connection] {
  const [hour, setHour] = useState<LiveHour>({ until: 0, moments: new Map() });
  const [connection, setConnection] = useState<Connection>("connecting");
  useEffect(() => {
    const leaving = new AbortController();
    let last: string | undefined;
    const listen = async () => {
      while (!leaving.signal.aborted) {
        const silence = new AbortController();
        let timer = setTimeout(() => silence.abort(), SILENT_MS);
        try {
          const { stream } = await watchLive({
            signal: AbortSignal.any([leaving.signal, silence.signal]),
            headers: last === undefined ? {} : { "Last-Event-ID": last },
            sseMaxRetryAttempts: 1,
            onSseEvent: ({ data, event, id }) => {
              clearTimeout(timer);
              timer = setTimeout(() => silence.abort(), SILENT_MS);
              setConnection("open");
              if (!data) return;
              last = id;
              setHour((known) => after(known, event, data as LiveOut));
            },
          });
          for await (const _ of stream);
        } finally {
          clearTimeout(timer);
        }
        if (leaving.signal.aborted) return;
        setConnection("reconnecting");
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    };
    listen();
    return () => leaving.abort();
  }, []);
  return [hour, connection];
}

/** Ask for the screen's other counts anew when clicks come, `clicks` being those of the last hour, at most every few seconds. */
export function useCountsThatFollow(clicks: number | undefined) {
  const cache = useQueryClient();
  const known = useRef(clicks);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    const more = known.current !== undefined && clicks !== undefined && clicks > known.current;
    known.current = clicks;
    if (!more || timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      refreshCounts(cache);
    }, COUNTS_MS);
  }, [cache, clicks]);
  useEffect(() => () => clearTimeout(timer.current), []);
}
