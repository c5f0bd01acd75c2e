-- Notes that all partitions are marked. KEYS: the schema. ARGV: the installation's id.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'marked', 1)
return 1
