#!/usr/bin/env bash
# Run a command with the settings of .env, if there is one; a variable that is set already wins.
set -euo pipefail

if [ -f .env ]; then
  while IFS='=' read -r name value || [ -n "$name" ]; do
    if [[ $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] && [ -z "${!name+set}" ]; then
      export "$name=$value"
    fi
  done <.env
fi
exec "$@"
