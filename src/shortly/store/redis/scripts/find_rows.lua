-- Looks grams up. KEYS: for each chunk the postings of every gram. ARGV: how many grams.
-- Returns for each chunk the texts of its shortest postings, at most four; none when a gram is not in the chunk.
local count = tonumber(ARGV[1])
local answer = {}
for chunk = 0, #KEYS / count - 1 do
  local found = {}
  for place = 1, count do
    local length = redis.call('STRLEN', KEYS[chunk * count + place])
    if length == 0 then
      found = {}
      break
    end
    found[place] = {length, place}
  end
  table.sort(found, function(one, other) return one[1] < other[1] or (one[1] == other[1] and one[2] < other[2]) end)
  local texts = {}
  for place = 1, math.min(4, #found) do
    texts[place] = redis.call('GET', KEYS[chunk * count + found[place][2]])
  end
  answer[chunk + 1] = texts
end
return answer
