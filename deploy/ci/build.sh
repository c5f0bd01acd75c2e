#!/usr/bin/env bash
# Build the wheel into dist/, and the images for this machine's architecture.
#
#   REGISTRY=registry.example/team/shortly-   what the images' names begin with (shortly-)
#   VERSION=1.2.0                             their tag (dev)
#   ARCH=amd64                                is added to the tag, where another machine builds the same version
#   PUSH=1                                    push them
#   REGISTRY_USER, REGISTRY_TOKEN             who pushes; unset: whoever `docker login` knows
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

registry=${REGISTRY:-shortly-}
version=${VERSION:-dev}
version=${version#v}
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
make setup web
rm -rf dist
scripts/uv.sh build --wheel --quiet
ls dist/*.whl

if [ -n "${PUSH:-}" ] && [ -n "${REGISTRY_TOKEN:-}" ]; then deploy/ci/registry-login.sh; fi
deploy/ci/images.sh | while read -r name file; do
  image=$registry$name:$version${ARCH:+-$ARCH}
  docker build --file "$file" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --tag "$image" . </dev/null
  [ -z "${PUSH:-}" ] || docker push --quiet "$image" </dev/null
done
