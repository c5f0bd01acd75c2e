-- Makes sure that no number is given away twice. KEYS: the counter. ARGV: the highest number that a link has.
if tonumber(redis.call('GET', KEYS[1]) or 0) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return 1
