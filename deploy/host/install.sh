#!/usr/bin/env bash
# Install Shortly on a Debian or Ubuntu machine, or bring it to another version:  sudo deploy/host/install.sh shortly-*.whl
#
# Makes the user, folders, a virtual environment, units, timers and log rotation; keeps /etc/shortly/shortly.env if it is there.
# DESTDIR: put the files below that folder instead, and leave this machine's users and services alone. PYTHON: another one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${DESTDIR:-}
wheel=${1:-}
[ -f "$wheel" ] || {
  echo "usage: $0 shortly-VERSION.whl (made by 'make web && scripts/uv.sh build --wheel')" >&2
  exit 2
}

if [ -z "$root" ]; then
  id shortly >/dev/null 2>&1 || useradd --system --home-dir /var/lib/shortly --shell /usr/sbin/nologin shortly
fi
install -d -m 755 "$root/opt" "$root/etc/systemd/system" "$root/etc/logrotate.d" "$root/etc/apt/apt.conf.d"
install -d -m 750 "$root/etc/shortly" "$root/var/log/shortly"

[ -x "$root/opt/shortly/bin/python" ] || "${PYTHON:-python3}" -m venv "$root/opt/shortly"
"$root/opt/shortly/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "$wheel"

if [ ! -e "$root/etc/shortly/shortly.env" ]; then
  install -m 640 "$here/shortly.env" "$root/etc/shortly/shortly.env"
  fresh=true
fi
[ -n "$root" ] || chgrp -R shortly /etc/shortly
install -m 644 "$here"/systemd/* "$root/etc/systemd/system/"
install -m 644 "$here/logrotate.conf" "$root/etc/logrotate.d/shortly"
install -m 644 "$here/unattended-upgrades.conf" "$root/etc/apt/apt.conf.d/52shortly"
[ -z "$root" ] || exit 0

systemctl daemon-reload
systemctl enable --now shortly-healthcheck.timer shortly-backup.timer
if [ -x /usr/bin/certbot ]; then systemctl enable --now shortly-certificates.timer; fi
systemctl enable shortly.service
if [ "${fresh:-}" = true ]; then
  echo 'Write your settings into /etc/shortly/shortly.env, then: sudo systemctl start shortly'
else
  systemctl restart shortly.service
fi
