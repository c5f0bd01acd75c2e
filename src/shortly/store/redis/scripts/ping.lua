-- Proves that the store can be written. KEYS: the schema. ARGV: unix milliseconds. Returns the schema's version, or 0
-- when the installation's data are gone.
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or 0)
if version > 0 then redis.call('HSET', KEYS[1], 'seen_at', ARGV[1]) end
return version
