-- Drops old entries that the index knows. KEYS: an outbox. ARGV: the oldest entry to keep.
return redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])
