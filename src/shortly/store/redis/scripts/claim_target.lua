-- Takes the claim of a target, unless somebody holds it. KEYS: the claim.
-- ARGV: a text of the caller's own; milliseconds after which a claim lapses, and after which it is forgotten.
-- Returns the unix milliseconds now, or 0; and 1 if somebody had it who did not give it up.
local kept = redis.call('GET', KEYS[1])
local now = now_ms()
if kept and now - kept:match(':(%d+)$') <= tonumber(ARGV[2]) then return {0, 0} end
redis.call('SET', KEYS[1], string.format('%s:%.0f', ARGV[1], now), 'PX', ARGV[3])
return {now, kept and 1 or 0}
