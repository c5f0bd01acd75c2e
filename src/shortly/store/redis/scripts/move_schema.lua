-- Notes that a migration was made. KEYS: the schema. ARGV: the version before and after. Returns 1, or 0 when another
-- process was quicker.
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2])
return 1
