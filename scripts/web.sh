#!/usr/bin/env bash
# Build the web app into src/shortly/ui; quick when nothing under web/ changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

STAMP=.make/web-built
state() { find web -path web/node_modules -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 cksum; }

wanted=$(pwd && state | cksum)
if [ -s src/shortly/ui/index.html ] && [ "$(cat "$STAMP" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
scripts/web-packages.sh
echo "web: building the app" >&2
scripts/node.sh npm --prefix web run --silent build
printf '%s\n' "$wanted" >"$STAMP"
