#!/usr/bin/env bash
# Prove that an installation does its work: deploy/ci/verify.sh https://s.example; SHORTLY_KEY (or SHORTLY_KEY_FILE) holds an API key.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
make setup
exec .venv/bin/shortly smoke "$@"
