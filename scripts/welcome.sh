#!/usr/bin/env bash
# Before the first start: say what to do next.
set -euo pipefail

[ ! -e "${DATA_DIR:-data}/links.db" ] || exit 0
url=${BASE_URL:-http://localhost:${PORT:-8000}}
cat >&2 <<TEXT

  Shortly serves on $url and keeps its data in ${DATA_DIR:-./data}.
  Open the link "Set Shortly up ..." that it prints below, and make your account; the API's pages are at $url/docs.
  Or, in another terminal:

    .venv/bin/shortly add https://example.com      shorten something
    .venv/bin/shortly key create me                make an API key (shown once)

  Ctrl-C stops it; nothing is lost.

TEXT
