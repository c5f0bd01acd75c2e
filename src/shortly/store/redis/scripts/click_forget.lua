-- KEYS[1]: hash of positions. ARGV: segments to forget.
return redis.call('HDEL', KEYS[1], unpack(ARGV))
