import type { CSSProperties } from "react";

const PART: CSSProperties = { minWidth: 0, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" };

/** A short link without its scheme; where there is little room, its host gives way to the slug. */
export function ShortName({ url }: { url: string }) {
  const name = nameOf(url);
  const end = name.indexOf("/") + 1;
  return (
    <span style={{ display: "flex", minWidth: 0 }}>
      <span style={{ ...PART, flexShrink: 1000 }}>{name.slice(0, end)}</span>
      <span style={PART}>{name.slice(end)}</span>
    </span>
  );
}

/** What a short link is called in a sentence: without its scheme. */
export const nameOf = (url: string) => url.replace(/^https?:\/\//, "");
