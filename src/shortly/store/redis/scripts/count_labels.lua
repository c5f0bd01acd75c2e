-- Counts the links that have labels, and forgets the labels that none has.
-- KEYS: the names, then for each label its postings in every chunk. ARGV: how many chunks, then the names.
-- Returns a number for each.
local chunks = tonumber(ARGV[1])
local counts = {}
for nth = 2, #ARGV do
  local count = 0
  for place = (nth - 2) * chunks + 2, (nth - 1) * chunks + 1 do
    local length = redis.call('STRLEN', KEYS[place])
    count = count + (length == BITMAP and redis.call('BITCOUNT', KEYS[place]) or length / 2)
  end
  if count == 0 then redis.call('ZREM', KEYS[1], ARGV[nth]) end
  counts[nth - 1] = count
end
return counts
