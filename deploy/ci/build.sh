#!/usr/bin/env bash
# Build the wheel into dist/, and the images for this machine's architecture.
#
#   REGISTRY=registry.example/team/shortly-   what the images' names begin with (shortly-)
#   VERSION=1.2.0                             their tag (dev)
#   ARCH=amd64                                is added to the tag, where another machine builds the same version
#   PUSH=1                                    push them, with provenance and a list of what is inside (SBOM)
#   ATTEST=0                                  without these two, which need a builder and a scanner from Docker Hub: where
#                                             that is out of reach, the engine itself builds and pushes
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

how=(docker build)
if [ -n "${PUSH:-}" ]; then
  [ -z "${REGISTRY_TOKEN:-}" ] || deploy/ci/registry-login.sh
  if [ "${ATTEST:-1}" != 0 ]; then # the engine's own builder keeps no provenance
    docker buildx inspect shortly >/dev/null 2>&1 || docker buildx create --name shortly >/dev/null
    how=(docker buildx build --builder shortly --provenance=mode=max --sbom=true --push)
  fi
fi
deploy/ci/images.sh | while read -r name file; do
  image=$registry$name:$version${ARCH:+-$ARCH}
  "${how[@]}" --file "$file" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --tag "$image" . </dev/null
  [ -z "${PUSH:-}" ] || [ "${ATTEST:-1}" != 0 ] || docker push --quiet "$image" </dev/null
done
