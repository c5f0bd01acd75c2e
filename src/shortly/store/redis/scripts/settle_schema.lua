-- Keeps how an installation was started. KEYS: the schema. ARGV: this version's schema, case-insensitive or not (0, 1),
-- unix milliseconds, an id for the installation, whether it must have been started before (0, 1). Returns the schema's
-- version before, the treatment of case and the id that are kept, and whether all partitions have been marked.
local before = tonumber(redis.call('HGET', KEYS[1], 'version') or 0)
if before == 0 then
  if ARGV[5] == '1' then return {0, '0', '', '0'} end
  redis.call('HSET', KEYS[1], 'version', ARGV[1], 'case_insensitive', ARGV[2], 'made_at', ARGV[3])
end
redis.call('HSETNX', KEYS[1], 'id', ARGV[4])
local kept = redis.call('HMGET', KEYS[1], 'case_insensitive', 'id', 'marked')
return {before, kept[1], kept[2], kept[3] or '0'}
