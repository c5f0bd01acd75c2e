#!/usr/bin/env bash
# The tests of one store: deploy/ci/test.sh sqlite|redis; PYTHON=/path/to/python3.13 chooses the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

case ${1:-} in
sqlite)
  make setup ${PYTHON:+PYTHON="$PYTHON"}
  make lint types web-test test-fast test-slow
  ;;
redis)
  make setup ${PYTHON:+PYTHON="$PYTHON"}
  make test-redis
  ;;
*)
  echo "usage: $0 sqlite|redis" >&2
  exit 2
  ;;
esac
