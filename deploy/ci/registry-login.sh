#!/usr/bin/env bash
# Sign in at the registry that REGISTRY names, as REGISTRY_USER with REGISTRY_TOKEN.
set -euo pipefail
printf %s "${REGISTRY_TOKEN:?}" | docker login --username "${REGISTRY_USER:?}" --password-stdin "${REGISTRY%%/*}"
