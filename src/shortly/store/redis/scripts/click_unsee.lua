-- KEYS: the names of a day's sets of visitors, the days that have any, the sets. ARGV: the day, the sets' names.
-- Forgets the sets, and the day when they were its last. Returns whether it has more.
if #KEYS > 2 then
    redis.call('UNLINK', unpack(KEYS, 3))
    redis.call('SREM', KEYS[1], unpack(ARGV, 2))
end
if redis.call('EXISTS', KEYS[1]) == 1 then
    return 1
end
redis.call('SREM', KEYS[2], ARGV[1])
return 0
