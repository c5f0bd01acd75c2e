-- KEYS: what to delete, at most some thousands; the memory is given back by another thread.
redis.call('UNLINK', unpack(KEYS))
