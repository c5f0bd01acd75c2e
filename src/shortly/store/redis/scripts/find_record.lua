-- Reads the record that has a name. KEYS: records, names. ARGV: kind and NUL, name.
-- Returns its id in 8 bytes and its text, or nothing.
local id = redis.call('HGET', KEYS[2], ARGV[1] .. ARGV[2])
local text = id and redis.call('HGET', KEYS[1], ARGV[1] .. id)
return text and {id, text} or {}
