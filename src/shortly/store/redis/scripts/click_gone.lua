-- KEYS: a hash of totals, the changed links, and what else is left of a link that is gone.
-- ARGV: the link's id, and its fields of the totals.
redis.call('UNLINK', unpack(KEYS, 3))
redis.call('HDEL', KEYS[1], unpack(ARGV, 2))
redis.call('SREM', KEYS[2], ARGV[1])
