-- Lets the claim of an idempotency key without an answer lapse now. KEYS: the key. ARGV: milliseconds that a claim lasts.
if redis.call('HGET', KEYS[1], 'status') ~= '0' then return 0 end
return redis.call('HINCRBY', KEYS[1], 'claimed_at', -ARGV[1])
