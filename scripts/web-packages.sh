#!/usr/bin/env bash
# Make web/node_modules hold exactly what web/package-lock.json names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

STAMP=web/node_modules/.shortly-packages
wanted=$(cat web/package.json web/package-lock.json scripts/node.sh | cksum)
if [ "$(cat "$STAMP" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
echo "web: installing what web/package-lock.json names" >&2
scripts/node.sh npm --prefix web ci --no-audit --no-fund --loglevel=error
printf '%s\n' "$wanted" >"$STAMP"
