-- Adds an API key. KEYS: ids, keys, digests, names. ARGV: name, digest, the key's text without its id.
-- Returns its id, or 0 when a live key has the name.
if redis.call('HEXISTS', KEYS[4], ARGV[1]) == 1 then return 0 end
local id = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[2], id, ARGV[3])
redis.call('HSET', KEYS[3], ARGV[2], id)
redis.call('HSET', KEYS[4], ARGV[1], id)
return id
