import type { Plugin } from "vite";

const STYLES = /\s*<link rel="stylesheet"[^>]*>/g;
const ROOT = '<div id="root">';

/**
 * Name the app's styles behind the frame that index.html draws, so that it does not wait for them; scripts still do.
 * They stay in front of what the app draws: Mantine sets the theme's colours there.
 */
export function frameFirst(): Plugin {
  return {
    name: "shortly-frame-first",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(page) {
        const styles = page.match(STYLES);
        if (!styles || !page.includes(ROOT)) throw new Error("index.html names no styles, or has no root");
        const links = styles.map((link) => `${link.trim()}\n    `).join("");
        return page.replace(STYLES, "").replace(ROOT, () => links + ROOT);
      },
    },
  };
}
