-- KEYS: the changed links, and hashes of totals. ARGV: for each link its id, the number of its hash among the KEYS, its
-- field there, and its clicks as the index has them now. Takes those off the set that have not been clicked since.
for i = 1, #ARGV, 4 do
    local clicks = redis.call('HGET', KEYS[tonumber(ARGV[i + 1])], ARGV[i + 2])
    if (clicks or '0') == ARGV[i + 3] then
        redis.call('SREM', KEYS[1], ARGV[i])
    end
end
