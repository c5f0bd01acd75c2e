-- Starts an installation where there is none, under the id that this node knows it by. KEYS: the schema. ARGV: as of
-- settle_schema, without the last. Returns the id that is kept.
if redis.call('HEXISTS', KEYS[1], 'version') == 0 then
  redis.call('HSET', KEYS[1], 'version', ARGV[1], 'case_insensitive', ARGV[2], 'made_at', ARGV[3], 'id', ARGV[4])
end
redis.call('HSETNX', KEYS[1], 'id', ARGV[4])
return redis.call('HGET', KEYS[1], 'id')
