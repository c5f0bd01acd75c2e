#!/usr/bin/env bash
# Print a line for each image of the installation: its name, and its Dockerfile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
for file in deploy/docker/*Dockerfile; do
  name=$(basename "${file%Dockerfile}" .)
  [ "$name" != docker ] || name=backend # deploy/docker/Dockerfile
  echo "$name $file"
done
