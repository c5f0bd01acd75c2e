-- Reads some neighbours of a sorted set with their documents.
-- KEYS: the sorted set, documents, sets that members must be in, too; then for each chunk the postings of every gram that
-- they must have, too. ARGV: 'score', '1' for descending, how many, how many grams, how many chunks, smallest score, score
-- to stay under, and either nothing or the score and member to begin behind; or 'text', '1' for descending, how many, how
-- many grams, how many chunks, the member to begin behind or ''.
-- Returns how many members were looked at, the last one and its score or '', then, in their order, those that are in
-- all sets and may have all grams, each with its score or '' and its document or false.
local kind, descending, count = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])
local grams, chunks = tonumber(ARGV[4]), tonumber(ARGV[5])
local postings = #KEYS - grams * chunks -- those of the first chunk come behind this key
local found
if kind == 'text' then
  if descending then
    found = redis.call('ZREVRANGEBYLEX', KEYS[1], ARGV[6] == '' and '+' or '(' .. ARGV[6], '-', 'LIMIT', 0, count)
  else
    found = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[6] == '' and '-' or '(' .. ARGV[6], '+', 'LIMIT', 0, count)
  end
else
  local first = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[6])
  local last = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[7]) - 1
  if #ARGV > 7 then -- the rank of the first member behind the score and member, which may be gone
    local low = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[8])
    local high = low + redis.call('ZCOUNT', KEYS[1], ARGV[8], ARGV[8])
    while low < high do
      local middle = math.floor((low + high) / 2)
      local order = 0
      local member = redis.call('ZRANGE', KEYS[1], middle, middle)[1]
      for place = 1, 8 do
        order = member:byte(place) - ARGV[9]:byte(place)
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

-- Where the members are in what was found, in their order, and their ids.
local places, ids = {}, {}
local width = kind == 'text' and 1 or 2
local length = #found / width
local backwards = kind == 'score' and descending
for nth = 1, length do
  local place = ((backwards and length + 1 - nth or nth) - 1) * width + 1
  places[nth] = place
  ids[nth] = kind == 'text' and found[place]:sub(-8) or found[place]
end
local function score_at(place) return kind == 'text' and '' or found[place + 1] end
local answer = {length, '', ''}
if length > 0 then answer[2], answer[3] = found[places[length]], score_at(places[length]) end

-- Calls a command with the ids of some members, 1,000 at once, and `each` with the place of each and the reply.
local function ask(command, key, each)
  for from = 1, length, 1000 do
    local last = math.min(from + 999, length)
    local replies = redis.call(command, key, unpack(ids, from, last))
    for nth = from, last do each(nth, replies[nth - from + 1]) end
  end
end

for filter = 3, postings do
  local kept = 0
  ask('ZMSCORE', KEYS[filter], function(nth, score)
    if score then
      kept = kept + 1
      ids[kept], places[kept] = ids[nth], places[nth]
    end
  end)
  length = kept
end

-- Whether a document's row has all grams; rows of later chunks than the caller knows may have them.
local texts = {}
local function may_match(doc)
  local first, second, third, fourth = doc:byte(1, 4)
  local chunk, low = first * 256 + second, third * 256 + fourth
  if chunk >= chunks then return true end
  for nth = postings + chunk * grams + 1, postings + chunk * grams + grams do
    local text = texts[nth]
    if not text then
      text = redis.call('GET', KEYS[nth]) or ''
      texts[nth] = text
    end
    if not has_row(text, low) then return false end
  end
  return true
end

local last = 3
ask('HMGET', KEYS[2], function(nth, doc)
  if not (doc and grams > 0) or may_match(doc) then
    answer[last + 1], answer[last + 2], answer[last + 3] = found[places[nth]], score_at(places[nth]), doc
    last = last + 3
  end
end)
return answer
