#!/usr/bin/env bash
# Before the first start: say what to do next.
set -euo pipefail

[ ! -e "${DATA_DIR:-data}/links.db" ] || exit 0
url=${BASE_URL:-http://localhost:${PORT:-8000}}
cat >&2 <<TEXT

  Shortly serves on $url and keeps its data in ${DATA_DIR:-./data}. In another terminal:

    make an API key (shown once):  .venv/bin/shortly key create me
    shorten something:             .venv/bin/shortly add https://example.com
    read the API's pages:          $url/docs

  Ctrl-C stops it; nothing is lost.

TEXT
