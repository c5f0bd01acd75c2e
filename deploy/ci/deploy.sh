#!/usr/bin/env bash
# Bring an image to the machine that runs compose.yaml: deploy/ci/deploy.sh IMAGE
#
#   DEPLOY_TO=deploy@s.example    by SSH; unset: this machine
#   DEPLOY_DIR=/srv/shortly       the checkout there (/srv/shortly)
#
# deploy/rolling-update there replaces the backends without a failed request, and goes back by itself when the new ones do
# not get healthy. The image that served before is kept in .previous-image, for deploy/ci/rollback.sh.
set -euo pipefail
image=${1:-}
[[ $image =~ ^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,255}$ ]] || {
  echo "usage: $0 IMAGE" >&2
  exit 2
}
directory=${DEPLOY_DIR:-/srv/shortly}

# shellcheck disable=SC2016 # expanded there, not here
there='set -euo pipefail
cd "$1"
serving=$(docker compose ps --quiet backend | head -n 1)
[ -n "$serving" ] || { echo "deploy: no backend runs in $1" >&2; exit 1; }
docker inspect --format "{{.Config.Image}}" "$serving" >.serving-image
IMAGE=$2 deploy/rolling-update
mv .serving-image .previous-image'

if [ -n "${DEPLOY_TO:-}" ]; then
  printf -v command 'bash -c %q deploy %q %q' "$there" "$directory" "$image"
  exec ssh -o BatchMode=yes -- "$DEPLOY_TO" "$command"
fi
exec bash -c "$there" deploy "$directory" "$image"
