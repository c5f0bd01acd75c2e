#!/usr/bin/env bash
# Let in what visitors and you need, and nothing else:  sudo deploy/host/firewall.sh [--dry-run]
#
# SSH_PORT names another port for SSH. Rules that are there already stay; each run of this gives the same rules.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"

dry=()
[ "${1:-}" != --dry-run ] || dry=(--dry-run)
port=${SSH_PORT:-22}
[[ $port =~ ^[0-9]{1,5}$ ]] || {
  echo 'firewall: SSH_PORT must be a number' >&2
  exit 2
}

ufw "${dry[@]}" default deny incoming
ufw "${dry[@]}" default allow outgoing
ufw "${dry[@]}" limit "$port/tcp" comment 'SSH, six tries in half a minute'
ufw "${dry[@]}" allow 80/tcp comment 'HTTP, leads to HTTPS'
ufw "${dry[@]}" allow 443/tcp comment 'HTTPS'
ufw "${dry[@]}" allow 443/udp comment 'HTTP/3'
# 8000 (Shortly) and 6379 (Redis) stay closed: nginx is the only door.
[ ${#dry[@]} -gt 0 ] || ufw --force enable
