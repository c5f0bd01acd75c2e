import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

/** Write /sw.js: the service worker with the files that the first screen needs, and a version that follows them. */
export function serviceWorker(): Plugin {
  return {
    name: "shortly-service-worker",
    apply: "build",
    generateBundle(_, bundle) {
      const files = new Set<string>();
      const visit = (name: string) => {
        const chunk = bundle[name];
        if (files.has(name) || chunk?.type !== "chunk") return;
        files.add(name);
        for (const css of chunk.viteMetadata?.importedCss ?? []) files.add(css);
        chunk.imports.forEach(visit);
      };
      for (const [name, chunk] of Object.entries(bundle)) {
        if (chunk.type !== "chunk") continue;
        if (chunk.isEntry || /\/features\/home\/Home\.tsx$/.test(chunk.facadeModuleId ?? "")) visit(name);
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
  };
}
