#!/usr/bin/env bash
# List what is inside of an image, as SPDX: deploy/ci/sbom.sh IMAGE FILE
#
# The image is the engine's own, or pulled from where `docker login` lets this machine in. Needs no database of known holes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# Jars, of which base images have a few, are parts of packages that are listed; to name them, too, trivy would fetch a database.
deploy/ci/trivy.sh image --quiet --format spdx-json --skip-files '**/*.jar' --output "${2:?}" "${1:?}"
