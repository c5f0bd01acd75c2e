#!/usr/bin/env bash
# Join the images of both architectures under one tag, list what is inside of each, and publish the release with its changes, these
# lists and the wheel in dist/. A line for each image, its name and the digest of that tag, is added to GITHUB_OUTPUT.
#
#   VERSION, REGISTRY, REGISTRY_USER, REGISTRY_TOKEN as for build.sh, which has pushed VERSION-amd64 and VERSION-arm64; GH_TOKEN for gh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
version=${VERSION:-}
version=${version#v}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+[a-z0-9.]*$ ]] || {
  echo 'publish: VERSION must be a version such as 1.2.0' >&2
  exit 2
}
notes=$(awk -v heading="## [$version]" 'index($0, "## [") == 1 { on = index($0, heading) == 1; next } on' CHANGELOG.md)
[ -n "$notes" ] || {
  echo "publish: CHANGELOG.md says nothing about $version" >&2
  exit 1
}

[ -z "${REGISTRY_TOKEN:-}" ] || deploy/ci/registry-login.sh
deploy/ci/images.sh | while read -r name _; do
  image=${REGISTRY:?}$name:$version
  docker buildx imagetools create --tag "$image" "$image-amd64" "$image-arm64" </dev/null
  digest=$(docker buildx imagetools inspect --format '{{printf "%s" .Manifest.Digest}}' "$image" </dev/null)
  echo "$name=$digest" >>"${GITHUB_OUTPUT:-/dev/null}"
  for architecture in amd64 arm64; do
    deploy/ci/sbom.sh "$image-$architecture" "dist/shortly-$name-$version-$architecture.spdx.json" </dev/null
  done
done
gh release create "v$version" --verify-tag --title "Shortly $version" --notes "$notes" dist/*
