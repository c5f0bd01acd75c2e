-- KEYS[1]: hash of positions. ARGV: segment, position, and so on. Moves positions forward, never back.
for i = 1, #ARGV, 2 do
    if tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or -1) < tonumber(ARGV[i + 1]) then
        redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    end
end
