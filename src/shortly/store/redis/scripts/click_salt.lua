-- KEYS[1]: a day's salt. ARGV: a fresh one, and for how many seconds it is kept. Returns the one that is kept.
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2])
return redis.call('GET', KEYS[1])
