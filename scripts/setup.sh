#!/usr/bin/env bash
# Make .venv hold exactly what uv.lock says, starting from nothing but a Python.
# Quick when nothing changed. PYTHON=/path/to/python chooses the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

UV_VERSION=0.13.9
STAMP=.venv/.shortly-setup

# The caller's own environments are not ours.
unset VIRTUAL_ENV PYTHONPATH PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf 'setup: %s\n' "$*" >&2; }
stop() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}

wanted=$(
  pwd
  cat pyproject.toml uv.lock scripts/setup.sh | cksum
)
if [ -x .venv/bin/shortly ] && [ "$(cat "$STAMP" 2>/dev/null)" = "$wanted" ] && [ -z "${PYTHON:-}" ] &&
  .venv/bin/python -c '' 2>/dev/null; then
  exit 0
fi

supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} .venv/bin/python python3 python3.14 python3.13 python3.12 python3.11; do
    if supported "$candidate"; then
      command -v "$candidate"
      return
    fi
    [ "$candidate" != "${PYTHON:-}" ] || stop "PYTHON=$PYTHON is not a Python 3.11 to 3.14."
  done
  stop "no Python 3.11 to 3.14 was found; install one and type make again:" \
    "  Debian, Ubuntu:  sudo apt-get install python3 python3-venv" \
    "  Fedora:          sudo dnf install python3" \
    "  macOS:           brew install python" \
    "or name one: make setup PYTHON=/path/to/python3"
}

# Debian and Ubuntu split the part that makes environments off into python3-venv.
need_ensurepip() {
  "$1" -c 'import ensurepip, venv' 2>/dev/null && return
  local package
  package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    scripts/system-packages.sh "$package"
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return
  fi
  stop "$1 cannot make virtual environments; type this, then make again:" "  sudo apt-get install $package"
}

python=$(find_python)

if [ "$(.make/uv/bin/uv --version 2>/dev/null | cut -d' ' -f2)" != "$UV_VERSION" ]; then
  base=$("$python" -c 'import os, sys; print(os.path.realpath(sys._base_executable))')
  need_ensurepip "$base"
  say "fetching uv $UV_VERSION with $base"
  rm -rf .make/uv
  "$base" -m venv .make/uv
  .make/uv/bin/python -m pip install --quiet "uv==$UV_VERSION"
fi

say "installing what uv.lock names into .venv"
SHORTLY_WITHOUT_WEB_APP=1 scripts/uv.sh sync --frozen --quiet --python "$python"
printf '%s\n' "$wanted" >"$STAMP"
say "done: $(.venv/bin/python --version) in .venv"
