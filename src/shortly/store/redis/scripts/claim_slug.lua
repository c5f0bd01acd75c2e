-- Puts a pending pointer at a slug's entry. KEYS: the entry. ARGV: id; milliseconds after which a claim lapses; the
-- entry that it may replace or ''. Returns the claim and its unix milliseconds, or '' and what has the slug.
local entry = redis.call('GET', KEYS[1])
if not is_free(entry, ARGV[3], tonumber(ARGV[2])) then return {'', reason(entry)} end
local now = now_ms()
local claim = string.format('?%s:%.0f', ARGV[1], now)
redis.call('SET', KEYS[1], claim)
return {claim, now}
