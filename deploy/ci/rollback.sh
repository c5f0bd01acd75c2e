#!/usr/bin/env bash
# Bring the image back that served before the last deploy/ci/deploy.sh; the same variables.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
file=${DEPLOY_DIR:-/srv/shortly}/.previous-image
if [ -n "${DEPLOY_TO:-}" ]; then
  image=$(ssh -o BatchMode=yes -- "$DEPLOY_TO" "cat $(printf %q "$file")")
else
  image=$(cat "$file")
fi
exec "$here/deploy.sh" "$image"
