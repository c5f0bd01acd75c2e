-- KEYS: lists of visits, each followed by its sorted set of late ones; behind them, perhaps, the set of days with lists.
-- ARGV: unix milliseconds, and perhaps the day of the lists. Drops what is older, and the day when nothing is left.

local before, left = tonumber(ARGV[1]), 0
for i = 1, #KEYS - 1, 2 do
    local old
    repeat
        local oldest = redis.call('LRANGE', KEYS[i], 0, SLICE - 1)
        old = 0
        while old < #oldest and at_of(oldest[old + 1]) < before do
            old = old + 1
        end
        if old > 0 then
            redis.call('LTRIM', KEYS[i], old, -1)
        end
    until old < SLICE
    redis.call('ZREMRANGEBYSCORE', KEYS[i + 1], '-inf', '(' .. ARGV[1])
    left = left + redis.call('EXISTS', KEYS[i], KEYS[i + 1])
end
if ARGV[2] and left == 0 then
    redis.call('SREM', KEYS[#KEYS], ARGV[2])
end
