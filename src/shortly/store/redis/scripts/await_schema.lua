-- Notes that a process is there which knows a schema that the data do not have yet. KEYS: the schema. ARGV: the schema
-- that it knows, unix milliseconds, how long nobody of its kind may have been seen. Returns since when they have been.
local since_field, seen_field = 'since:' .. ARGV[1], 'seen_at:' .. ARGV[1]
local since, seen = unpack(redis.call('HMGET', KEYS[1], since_field, seen_field))
if not since or tonumber(ARGV[2]) - math.max(seen or 0, since) > tonumber(ARGV[3]) then
  since = ARGV[2]
end
redis.call('HSET', KEYS[1], since_field, since, seen_field, ARGV[2])
return since
