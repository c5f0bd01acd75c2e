#!/usr/bin/env bash
# Run one stage of a longer run under a heading, and say how long it took.
#
#   scripts/stage.sh NAME COMMAND [ARGUMENT...]
set -uo pipefail

name=$1
shift
printf '\n==> %s\n' "$name"
began=$SECONDS
"$@"
code=$?
if [ $code = 0 ]; then
  printf '==> %s: ok, %d s\n' "$name" $((SECONDS - began))
else
  printf '==> %s: FAILED with exit code %d after %d s\n' "$name" $code $((SECONDS - began))
fi
exit $code
