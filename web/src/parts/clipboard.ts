import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { announce } from "./announce";
import { tellFailure } from "./undo";

const SHOWN_MS = 2_000;

/** Put a text into the clipboard; false: the browser does not let this page do that. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text); // without TLS there is no such clipboard
  }
}

function copySelected(text: string): boolean {
  const field = document.createElement("textarea");
  const before = document.activeElement;
  field.value = text;
  field.readOnly = true;
  field.style.cssText = "position:fixed;top:0;opacity:0";
  document.body.append(field);
  field.focus();
  field.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    field.remove();
    if (before instanceof HTMLElement) before.focus();
  }
}

/** What copies a text and tells so, and whether it was copied just now. */
export function useCopy(text: string): { copied: boolean; copy: () => Promise<void> } {
  const { t } = useTranslation();
  const [at, setAt] = useState(0);
  useEffect(() => {
    if (at === 0) return;
    const timer = setTimeout(() => setAt(0), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [at]);
  async function copy() {
    if (await copyText(text)) {
      setAt(Date.now());
      announce(t("once.copied"));
    } else tellFailure(t("once.notCopied"));
  }
  return { copied: at !== 0, copy };
}
