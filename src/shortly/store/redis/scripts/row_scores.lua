-- Reads what rows are sorted by. KEYS: a sorted set of link ids, ids of the rows of each chunk. ARGV: see with_ids.
-- Returns the link ids of all rows in one text, 8 bytes each, then the score of each or false.
local all, answer, last = {}, {}, 1
with_ids(function(ids)
  all[#all + 1] = table.concat(ids)
  local scores = redis.call('ZMSCORE', KEYS[1], unpack(ids))
  for place = 1, #ids do answer[last + place] = scores[place] end
  last = last + #ids
end)
answer[1] = table.concat(all)
return answer
