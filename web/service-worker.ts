import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

const NAMED = /(?:src|href)="\/(assets\/[^"]+)"/g;

/**
 * Write /sw.js: the service worker with the files that the first screen needs, and a version that follows them.
 *
 * They are those that index.html names in the end, and the home screen's: an entry that only imports others is left out
 * of it, and out of what is written, and a list with one name too many would keep nothing at all.
 */
export function serviceWorker(): Plugin {
  return {
    name: "shortly-service-worker",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const page = bundle["index.html"];
        if (page?.type !== "asset") throw new Error("the build has no index.html yet");
        const files = new Set<string>();
        const visit = (name: string) => {
          const file = bundle[name];
          if (!file || files.has(name)) return;
          files.add(name);
          if (file.type !== "chunk") return;
          for (const css of file.viteMetadata?.importedCss ?? []) files.add(css);
          file.imports.forEach(visit);
        };
        for (const [, name = ""] of String(page.source).matchAll(NAMED)) visit(name);
        for (const [name, file] of Object.entries(bundle)) {
          if (file.type === "chunk" && /\/features\/home\/Home\.tsx$/.test(file.facadeModuleId ?? "")) visit(name);
        }
        const source = readFileSync("sw.js", "utf8");
        const named = JSON.stringify([...files].sort().map((name) => `/${name}`));
        const all = createHash("sha256").update(Object.keys(bundle).sort().join()).update(source).digest("hex");
        this.emitFile({
          type: "asset",
          fileName: "sw.js",
          source: source.replace("__FILES__", named).replace("__VERSION__", all.slice(0, 16)),
        });
      },
    },
  };
}
