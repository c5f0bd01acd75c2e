-- Reads some neighbours of a sorted set with their documents.
-- KEYS: the sorted set, documents. ARGV: 'score', '1' for descending, how many, smallest score, score to stay under,
-- and either nothing or the score and member to begin behind; or 'text', '1' for descending, how many, the member to
-- begin behind or ''.
-- Returns the members in their order, each with its score or '' and its document or false.
local kind, descending, count = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])
local found
if kind == 'text' then
  if descending then
    found = redis.call('ZREVRANGEBYLEX', KEYS[1], ARGV[4] == '' and '+' or '(' .. ARGV[4], '-', 'LIMIT', 0, count)
  else
    found = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[4] == '' and '-' or '(' .. ARGV[4], '+', 'LIMIT', 0, count)
  end
else
  local first = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[4])
  local last = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[5]) - 1
  if #ARGV > 5 then -- the rank of the first member behind the score and member, which may be gone
    local low = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[6])
    local high = low + redis.call('ZCOUNT', KEYS[1], ARGV[6], ARGV[6])
    while low < high do
      local middle = math.floor((low + high) / 2)
      local order = 0
      local member = redis.call('ZRANGE', KEYS[1], middle, middle)[1]
      for place = 1, 8 do
        order = member:byte(place) - ARGV[7]:byte(place)
        if order ~= 0 then break end
      end
      if order < 0 or (order == 0 and not descending) then low = middle + 1 else high = middle end
    end
    if descending then last = math.min(last, low - 1) else first = math.max(first, low) end
  end
  if descending then
    first = math.max(first, last - count + 1)
  else
    last = math.min(last, first + count - 1)
  end
  found = first <= last and redis.call('ZRANGE', KEYS[1], first, last, 'WITHSCORES') or {}
end

local members, scores = {}, {}
for place = 1, #found, kind == 'text' and 1 or 2 do
  members[#members + 1] = found[place]
  scores[#scores + 1] = kind == 'text' and '' or found[place + 1]
end
local ids, docs = {}, {}
for place, member in ipairs(members) do ids[place] = member:sub(-8) end
for from = 1, #ids, 1000 do
  local some = redis.call('HMGET', KEYS[2], unpack(ids, from, math.min(from + 999, #ids)))
  for _, doc in ipairs(some) do docs[#docs + 1] = doc end
end
local answer = {}
for place = 1, #members do
  local from = (kind == 'score' and descending) and #members + 1 - place or place
  answer[3 * place - 2], answer[3 * place - 1], answer[3 * place] = members[from], scores[from], docs[from]
end
return answer
