-- Reads a live API key. KEYS: keys, digests, uses. ARGV: digest. Returns id, text and last use, or nothing.
local id = redis.call('HGET', KEYS[2], ARGV[1])
if not id then return {} end
return {id, redis.call('HGET', KEYS[1], id), redis.call('HGET', KEYS[3], id) or ''}
