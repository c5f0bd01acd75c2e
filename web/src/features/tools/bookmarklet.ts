/** Return what a browser's bookmark does to shorten the page one is on. */
export function bookmarklet(origin: string): string {
  const share = JSON.stringify(`${origin}/app/share?url=`);
  return `javascript:void(open(${share}+encodeURIComponent(location.href)))`;
}

/** Return the web address that somebody shared: apps put it into `url`, or somewhere into `text` or `title`. */
export function sharedAddress({ url, text, title }: Shared): string {
  for (const given of [url, text, title]) {
    const found = given?.match(/https?:\/\/\S+/i)?.[0];
    if (found) return found;
  }
  return "";
}

export interface Shared {
  url?: string;
  text?: string;
  title?: string;
}

export function readShared(given: Record<string, unknown>): Shared {
  const found: Shared = {};
  for (const name of ["url", "text", "title"] as const) {
    if (typeof given[name] === "string") found[name] = given[name];
  }
  return found;
}
