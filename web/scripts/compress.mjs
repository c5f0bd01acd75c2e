// After the build: put what Brotli and gzip make of each file beside it, so that the server need not.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const FOLDER = process.argv[2] ?? "../src/shortly/ui";
const WORTH = /\.(html|js|css|json|svg|webmanifest|txt)$/;

for (const name of readdirSync(FOLDER, { recursive: true })) {
  const path = join(FOLDER, name);
  if (!statSync(path).isFile() || !WORTH.test(name)) continue;
  const whole = readFileSync(path);
  const packed = {
    br: brotliCompressSync(whole, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: whole.length,
      },
    }),
    gz: gzipSync(whole, { level: constants.Z_BEST_COMPRESSION }),
  };
  for (const [ending, bytes] of Object.entries(packed)) {
    if (bytes.length < whole.length) writeFileSync(`${path}.${ending}`, bytes);
    else rmSync(`${path}.${ending}`, { force: true });
  }
}
