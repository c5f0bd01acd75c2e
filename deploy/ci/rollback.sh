#!/usr/bin/env bash
# Bring the images back that served before the last deploy/ci/deploy.sh; again, those before that. The same variables.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/deploy.sh" --back
