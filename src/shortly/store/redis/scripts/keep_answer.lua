-- Keeps the answer under an idempotency key that its request still holds. KEYS: the key.
-- ARGV: fingerprint, status, headers, body.
local kept = redis.call('HMGET', KEYS[1], 'fingerprint', 'status')
if kept[1] ~= ARGV[1] or kept[2] ~= '0' then return 0 end
redis.call('HSET', KEYS[1], 'status', ARGV[2], 'headers', ARGV[3], 'body', ARGV[4])
return 1
