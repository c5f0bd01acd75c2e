#!/bin/sh
# Start Redis with the password of a secret file: in no argument and no variable that others can read.
set -eu
umask 077
{
  cat /etc/redis/redis.conf
  printf 'maxmemory %s\n' "${REDIS_MAXMEMORY:-0}"
  printf 'requirepass %s\n' "$(cat /run/secrets/redis_password)"
} >/tmp/redis.conf
exec redis-server /tmp/redis.conf
