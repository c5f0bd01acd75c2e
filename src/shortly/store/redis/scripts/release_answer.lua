-- Gives an idempotency key without an answer up. KEYS: the key.
if redis.call('HGET', KEYS[1], 'status') ~= '0' then return 0 end
return redis.call('DEL', KEYS[1])
