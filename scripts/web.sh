#!/usr/bin/env bash
# Build the web app into src/shortly/ui; quick when nothing under web/ changed.
#
#   scripts/web.sh                 fails when it cannot be built
#   scripts/web.sh --if-possible   says so in one sentence, and lets the server run without it
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

STAMP=.make/web-built
state() { find web -path web/node_modules -prune -o -type f ! -name openapi.json -print0 | LC_ALL=C sort -z | xargs -0 cksum; }
build() {
  scripts/web-packages.sh &&
    echo "web: building the app" >&2 &&
    scripts/node.sh npm --prefix web run --silent build
}

wanted=$(pwd && state | cksum)
if [ -s src/shortly/ui/index.html ] && [ "$(cat "$STAMP" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
if build >.make/web-build.log; then
  printf '%s\n' "$wanted" >"$STAMP"
elif [ "${1:-}" = --if-possible ]; then
  echo "web: the web app could not be built (.make/web-build.log); Shortly serves without a new one" >&2
else
  cat .make/web-build.log >&2
  exit 1
fi
