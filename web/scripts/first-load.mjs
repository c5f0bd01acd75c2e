// What a browser fetches before the first screen: the module that the page names, and all that it imports at once.
// Fails when that is more JavaScript than the budget.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

const FOLDER = process.argv[2] ?? "../src/shortly/ui";
const BUDGET_KIB = 250;

const page = readFileSync(join(FOLDER, "index.html"), "utf8");
const named = [...page.matchAll(/<(?:script|link)\b[^>]*\b(?:src|href)="\/([^"]+\.js)"/g)].map((found) => found[1]);
const seen = new Set();
const visit = (name) => {
  if (seen.has(name)) return;
  seen.add(name);
  const code = readFileSync(join(FOLDER, name), "utf8");
  for (const found of code.matchAll(/\b(?:from|import)\s*["'](\.[^"']+\.js)["']/g))
    visit(join(dirname(name), found[1]));
};
named.forEach(visit);
if (seen.size === 0) throw new Error(`${FOLDER}/index.html names no module`);
const bytes = [...seen].reduce((sum, name) => sum + gzipSync(readFileSync(join(FOLDER, name)), { level: 9 }).length, 0);
const size = `first load: ${(bytes / 1024).toFixed(1)} KiB of JavaScript gzipped in ${seen.size} files`;
console.log(`${size}, at most ${BUDGET_KIB}`);
if (bytes > BUDGET_KIB * 1024) process.exit(1);
