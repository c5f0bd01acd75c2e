import { readdirSync, readFileSync } from "node:fs";
import type { Plugin } from "vite";

const LOCALES = "src/i18n/locales";
const SCRIPT = "/first.js";
const START = /\/src\/app\/start\.tsx$/;

/**
 * Write the script that index.html runs first, with the texts of the home screen; and name what draws the app in
 * index.html, so that it is on its way while the frame is drawn. It is of low priority, as the frame does not need it.
 */
export function firstScreen(): Plugin {
  return {
    name: "shortly-first-screen",
    buildStart() {
      if (this.environment.mode === "build") this.emitFile({ type: "asset", name: "first.js", source: script() });
    },
    configureServer(server) {
      server.middlewares.use(SCRIPT, (_, answer) => {
        answer.setHeader("Content-Type", "text/javascript");
        answer.end(script());
      });
    },
    transformIndexHtml: {
      order: "post",
      handler(page, { bundle }) {
        if (!bundle) return page;
        const files = Object.values(bundle);
        const first = files.find((file) => file.type === "asset" && file.names.includes("first.js"));
        const start = files.find((file) => file.type === "chunk" && START.test(file.facadeModuleId ?? ""));
        if (!first || start?.type !== "chunk") throw new Error("the build has no first script, or nothing that draws");
        const scripts = new Set<string>();
        const styles = new Set<string>();
        const visit = (name: string) => {
          const file = bundle[name];
          if (file?.type !== "chunk" || scripts.has(name)) return;
          scripts.add(name);
          for (const css of file.viteMetadata?.importedCss ?? []) styles.add(css);
          file.imports.forEach(visit);
        };
        visit(start.fileName);
        const links = [
          ...[...styles].map(
            (name) => `<link rel="preload" as="style" fetchpriority="low" crossorigin href="/${name}">`,
          ),
          ...[...scripts].map((name) => `<link rel="modulepreload" fetchpriority="low" crossorigin href="/${name}">`),
        ].filter((link) => !page.includes(link.slice(link.indexOf("href="))));
        return page.replace(SCRIPT, `/${first.fileName}`).replace("</head>", `  ${links.join("\n    ")}\n  </head>`);
      },
    },
  };
}

/** Return first.js with the title and the first words of the home screen in every locale. */
function script(): string {
  const texts = Object.fromEntries(
    readdirSync(LOCALES, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => {
        const { title, lead } = JSON.parse(readFileSync(`${LOCALES}/${name}/home.json`, "utf8"));
        return [name, { title, lead }];
      }),
  );
  return readFileSync("first.js", "utf8").replace("__TEXTS__", () => JSON.stringify(texts));
}
