-- Keeps how an installation was started. KEYS: the schema. ARGV: this version's schema, case-insensitive or not (0, 1),
-- unix milliseconds. Returns the schema's version before, and the treatment of case that is kept.
local before = tonumber(redis.call('HGET', KEYS[1], 'version') or 0)
if before == 0 then
  redis.call('HSET', KEYS[1], 'version', ARGV[1], 'case_insensitive', ARGV[2], 'made_at', ARGV[3])
end
return {before, redis.call('HGET', KEYS[1], 'case_insensitive')}
