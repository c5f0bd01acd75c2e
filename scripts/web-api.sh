#!/usr/bin/env bash
# Write web/src/api/generated from the API's own description; --check fails when that would change something.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/web-packages.sh
.venv/bin/python - >web/openapi.json <<'PYTHON'
import json
from contextlib import nullcontext
from shortly.api.app import create_api
from shortly.settings import Settings
print(json.dumps(create_api(Settings(_env_file=None), lambda _: nullcontext()).openapi(), indent=1))
PYTHON
generated=src/api/generated
[ "${1:-}" != --check ] || generated=node_modules/.cache/api-client
scripts/node.sh npm --prefix web run --silent api -- --output "$generated" >/dev/null
if [ "${1:-}" = --check ] && ! diff -r web/src/api/generated "web/$generated"; then
  echo "web/src/api/generated is not what the API describes; type: make web-api" >&2
  exit 1
fi
