-- Reads the documents of rows. KEYS: documents, ids of the rows of each chunk. ARGV: see with_ids.
-- Returns for each row its link id (8 bytes) and its document or false.
local answer, last = {}, 0
with_ids(function(ids)
  local docs = redis.call('HMGET', KEYS[1], unpack(ids))
  for place = 1, #ids do
    answer[last + 1], answer[last + 2] = ids[place], docs[place]
    last = last + 2
  end
end)
return answer
