#!/usr/bin/env bash
# Bring images to the machine that runs compose.yaml: deploy/ci/deploy.sh IMAGE [FRONTEND_IMAGE], or --back to those before.
#
#   DEPLOY_TO=deploy@s.example    by SSH; unset: this machine
#   DEPLOY_SSH_CONFIG=file        key, port and known hosts for that, as for `ssh -F`; unset: the user's own
#   DEPLOY_DIR=/srv/shortly       the checkout there (/srv/shortly)
#
# deploy/rolling-update there replaces the containers without a failed request, and goes back by itself when the new ones
# do not do their work. What served before is noted in .previous-images, a line for each deployment, for
# deploy/ci/rollback.sh; what serves now, in .env, so that `docker compose up -d` keeps it.
set -euo pipefail
usage() {
  echo "usage: $0 IMAGE [FRONTEND_IMAGE]" >&2
  exit 2
}
[ $# -ge 1 ] && [ $# -le 2 ] || usage
if [ "$*" != --back ]; then
  for image in "$@"; do
    [[ $image =~ ^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,255}$ ]] || usage
  done
fi
directory=${DEPLOY_DIR:-/srv/shortly}

# shellcheck disable=SC2016 # expanded there, not here
there='set -euo pipefail
cd "$1"
name() {
  container=$(docker compose ps --quiet "$1" | sed -n 1p)
  [ -n "$container" ] || { echo "deploy: no $1 runs in $PWD" >&2; exit 1; }
  docker inspect --format "{{.Config.Image}}" "$container"
}
backend=$(name backend)
frontend=$(name frontend)
if [ "$2" = --back ]; then
  [ -s .previous-images ] || { echo "deploy: nothing was deployed before in $PWD" >&2; exit 1; }
  read -r image frontend_image < <(tail -n 1 .previous-images)
else
  image=$2 frontend_image=${3:-$frontend}
fi
IMAGE=$image FRONTEND_IMAGE=$frontend_image deploy/rolling-update
touch .env
sed -i "/^IMAGE=/d; /^FRONTEND_IMAGE=/d" .env
printf "IMAGE=%s\nFRONTEND_IMAGE=%s\n" "$image" "$frontend_image" >>.env
if [ "$2" = --back ]; then
  sed -i "\$d" .previous-images
else
  echo "$backend $frontend" >>.previous-images
fi'

if [ -n "${DEPLOY_TO:-}" ]; then
  printf -v command 'bash -c %q deploy %q' "$there" "$directory"
  printf -v command '%s %q' "$command" "$1"
  [ $# = 1 ] || printf -v command '%s %q' "$command" "$2"
  exec ssh ${DEPLOY_SSH_CONFIG:+-F "$DEPLOY_SSH_CONFIG"} -o BatchMode=yes -- "$DEPLOY_TO" "$command"
fi
exec bash -c "$there" deploy "$directory" "$@"
