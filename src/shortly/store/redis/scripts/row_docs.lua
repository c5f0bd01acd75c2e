-- Reads the documents of rows. KEYS: documents, ids of the rows of a chunk. ARGV: rows within the chunk.
-- Returns for each row its link id (8 bytes) and its document or false.
local answer = {}
for place = 1, #ARGV do
  local id = redis.call('GETRANGE', KEYS[2], ARGV[place] * 8, ARGV[place] * 8 + 7)
  answer[2 * place - 1] = id
  answer[2 * place] = redis.call('HGET', KEYS[1], id)
end
return answer
