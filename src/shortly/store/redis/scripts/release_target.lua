-- Gives the claim of a target up, if it is the caller's still. KEYS: the claim. ARGV: the caller's text, and when it took it.
if redis.call('GET', KEYS[1]) ~= ARGV[1] .. ':' .. ARGV[2] then return 0 end
return redis.call('DEL', KEYS[1])
