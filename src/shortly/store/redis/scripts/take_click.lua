-- Uses up one of a link's clicks. KEYS: hash of clicks taken. ARGV: id; how many there are. Returns 1, or 0 when they
-- are used up.
local taken = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
if taken >= tonumber(ARGV[2]) then return 0 end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
return 1
