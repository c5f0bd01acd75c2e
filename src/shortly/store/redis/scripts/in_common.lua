-- Reads what several sorted sets have in common. KEYS: documents, then the sets. ARGV: how many members at most.
-- Returns 0 when there are more, otherwise each member and its document or false.
local sets = {#KEYS - 1, unpack(KEYS, 2)}
local limited = {unpack(sets)}
limited[#limited + 1], limited[#limited + 2] = 'LIMIT', ARGV[1] + 1
if redis.call('ZINTERCARD', unpack(limited)) > tonumber(ARGV[1]) then return 0 end

local members, answer = redis.call('ZINTER', unpack(sets)), {}
for from = 1, #members, 1000 do
  local last = math.min(from + 999, #members)
  for nth, doc in ipairs(redis.call('HMGET', KEYS[1], unpack(members, from, last))) do
    answer[#answer + 1] = members[from + nth - 1]
    answer[#answer + 1] = doc
  end
end
return answer
