-- Says whose data a partition holds. KEYS: the mark. ARGV: the installation's id.
return redis.call('SET', KEYS[1], ARGV[1])
