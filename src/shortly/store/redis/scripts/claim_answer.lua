-- Takes an idempotency key, or returns what its first taker left: fingerprint, status, headers, body.
-- KEYS: the key. ARGV: fingerprint, unix milliseconds now, milliseconds that a claim and that an answer last, a new seed.
-- Whoever takes it is told: seed, unix milliseconds of the first attempt, 1 if there was one before.
local kept = redis.call('HMGET', KEYS[1], 'fingerprint', 'status', 'headers', 'body', 'claimed_at', 'seed', 'since')
local seed, since, again = ARGV[5], ARGV[2], 0
if kept[1] then
  local span = kept[2] == '0' and ARGV[3] or ARGV[4]
  if kept[5] + span > tonumber(ARGV[2]) then return {kept[1], kept[2], kept[3], kept[4]} end
  if kept[2] == '0' and kept[1] == ARGV[1] and kept[6] then seed, since, again = kept[6], kept[7], 1 end
end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'status', 0, 'headers', '', 'body', '', 'claimed_at', ARGV[2],
  'seed', seed, 'since', since)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {seed, since, again}
