#!/bin/sh
# Run by the image's entrypoint before nginx: from then on, reload nginx whenever there is another certificate.
# A reload serves what is open to its end, and new connections with the new certificate.
set -eu
file=/etc/certificates/current/fullchain.pem
[ -e "$file" ] || exit 0
state() { cksum <"$file"; }
(
  known=$(state)
  while sleep "${CERTIFICATE_LOOK_S:-10}"; do
    now=$(state) || continue
    [ "$now" != "$known" ] || continue
    if nginx -t -q; then
      nginx -s reload && known=$now
    fi
  done
) &
