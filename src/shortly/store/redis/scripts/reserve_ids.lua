-- Gives numbers for new links away. KEYS: the counter. ARGV: how many. Returns the last of them.
return redis.call('INCRBY', KEYS[1], ARGV[1])
