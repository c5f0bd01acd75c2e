import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { LinkOut } from "../../api/generated";
import { isElsewhere } from "../shortcuts/elsewhere";
import { edit } from "./editor";
import { LinkRow, ROW } from "./LinkRow";
import { keyOf } from "./queries";

/** Only the rows in sight are in the document, however many were read. j and k walk, x chooses, e and Enter edit. */
export function LinkRows({ items, more, fetchMore, fetching, chosen, onChoose, mayEdit }: LinkRowsProps) {
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(-1);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW,
    overscan: 8,
    getItemKey: (index) => keyOf(items[index] as LinkOut),
  });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !fetching && last >= items.length - 20) fetchMore();
  }, [more, fetching, last, items.length, fetchMore]);

  function walkTo(index: number) {
    const wanted = Math.max(0, Math.min(items.length - 1, index));
    setActive(wanted);
    rows.scrollToIndex(wanted);
    requestAnimationFrame(() => frame.current?.querySelector<HTMLElement>(`[data-row="${wanted}"]`)?.focus());
  }
  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      if (event.ctrlKey || event.metaKey || event.altKey || isElsewhere(event.target)) return;
      const link = items[active];
      if (event.key === "j") walkTo(active + 1);
      else if (event.key === "k") walkTo(active - 1);
      else if (event.key === "x" && link && mayEdit) onChoose(link);
      else if (link && mayEdit && (event.key === "e" || (event.key === "Enter" && isRow(event.target))))
        edit({ kind: "edit", slug: link.slug, domain: link.domain });
      else return;
      event.preventDefault();
    }
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div ref={frame} style={{ height: "max(320px, calc(100dvh - 260px))", overflow: "auto" }} tabIndex={0}>
      <ul
        aria-label={t("links.title")}
        style={{ height: rows.getTotalSize(), position: "relative", margin: 0, padding: 0, listStyle: "none" }}
      >
        {shown.map((row) => {
          const link = items[row.index] as LinkOut;
          return (
            <li
              key={row.key}
              data-row={row.index}
              tabIndex={-1}
              onFocus={() => setActive(row.index)}
              aria-setsize={more ? -1 : items.length}
              aria-posinset={row.index + 1}
              style={{
                position: "absolute",
                insetInline: 0,
                top: row.start,
                height: ROW,
                borderBottom: "1px solid var(--mantine-color-default-border)",
                boxShadow:
                  row.index === active || chosen.has(keyOf(link))
                    ? "inset 3px 0 var(--mantine-primary-color-filled)"
                    : undefined,
                outlineOffset: -2,
              }}
            >
              <LinkRow link={link} chosen={chosen.has(keyOf(link))} onChoose={() => onChoose(link)} mayEdit={mayEdit} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

const isRow = (target: EventTarget | null) => target instanceof HTMLElement && target.dataset.row !== undefined;

interface LinkRowsProps {
  items: LinkOut[];
  more: boolean;
  fetchMore: () => void;
  fetching: boolean;
  chosen: ReadonlyMap<string, LinkOut>;
  onChoose: (link: LinkOut) => void;
  mayEdit: boolean;
}
