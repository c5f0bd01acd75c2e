-- Proves that the store can be written. KEYS: the schema. ARGV: unix milliseconds, the installation's id, the schema that
-- the process knows. Returns 1, or 0 when the installation's data are gone.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'seen_at', ARGV[1], 'seen_at:' .. ARGV[3], ARGV[1])
return 1
