#!/usr/bin/env bash
# Look for known holes in what Shortly stands on, and for secrets in its files. Needs the Internet: a scanner that
# cannot reach its database ends this with 1, instead of finding nothing.
#
#   deploy/ci/scan.sh [IMAGE...]      images are scanned by trivy
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

make setup
requirements=$(mktemp)
trap 'rm -f "$requirements"' EXIT
scripts/uv.sh export --frozen --no-dev --no-emit-project --quiet --output-file "$requirements"
code=0
scripts/uv.sh tool run --from pip-audit==2.9.0 pip-audit --strict --disable-pip --require-hashes --requirement "$requirements" || code=1
scripts/node.sh npm --prefix web audit --omit=dev --audit-level=high || code=1
for image in "$@"; do
  deploy/ci/trivy.sh image --quiet --exit-code 1 --severity HIGH,CRITICAL --ignore-unfixed "$image" || code=1
done
exit $code
