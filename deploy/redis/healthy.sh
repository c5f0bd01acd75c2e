#!/bin/sh
# Healthy: Redis answers, and has read its file.
REDISCLI_AUTH=$(cat /run/secrets/redis_password)
export REDISCLI_AUTH
[ "$(redis-cli --no-raw ping)" = PONG ]
