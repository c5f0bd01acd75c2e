#!/usr/bin/env bash
# Have these programs on the machine: installed by apt as root on Debian, named in one message elsewhere.
#
#   scripts/system-packages.sh nginx wrk setpriv
#
# A name is that of a program, or of a package that has no program of its own (python3.11-venv).
set -euo pipefail

export DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"

package_of() {
  case $1 in
  mkfs.ext4) echo e2fsprogs ;;
  redis-server) echo redis-server ;;
  redis-benchmark) echo redis-tools ;;
  systemd-analyze) echo systemd ;;
  java) echo default-jre-headless ;;
  sshd) echo openssh-server ;;
  ssh) echo openssh-client ;;
  htpasswd) echo apache2-utils ;;
  taskset | setpriv | prlimit) echo util-linux ;;
  *) echo "$1" ;;
  esac
}

missing=()
for name in "$@"; do
  command -v "$name" >/dev/null || missing+=("$(package_of "$name")")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  printf 'missing programs, install them with your package manager: %s\n' "${missing[*]}" >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  printf 'missing programs, type this and repeat: sudo apt-get install %s\n' "${missing[*]}" >&2
  exit 1
fi
printf 'installing %s\n' "${missing[*]}" >&2
# Debian starts a service as soon as it is installed, on a port that may be somebody else's; not here.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
