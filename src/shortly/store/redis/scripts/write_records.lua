-- Makes changes to records, all of them in their order or none, and removes some that have expired.
-- KEYS: records, names, groups, expiries. ARGV: unix milliseconds now, how many expired records to remove, then for each
-- change its word (add, replace, remove), the record's place, the version that is to be there, and the record's text
-- or ''. A text is the decimal length of its head, a colon, the head, which is {version, unix milliseconds of expiry or
-- 0, names, groups} in MessagePack, and the body.
-- Returns 'done' and the texts of what was removed, or 'changed' and the number of the change, or 'taken', the number
-- of the change and that of its name.
local VERSION, EXPIRY, NAMES, GROUPS = 1, 2, 3, 4
local now = tonumber(ARGV[1])

local function head_of(text)
  local colon = text:find(':', 1, true)
  return cmsgpack.unpack(text:sub(colon + 1, colon + tonumber(text:sub(1, colon - 1))))
end
local function prefix_of(place) return place:sub(1, -9) end
local function id_of(place) return place:sub(-8) end
local function member_of(place, group) return prefix_of(place) .. string.format('%04x', #group) .. group .. id_of(place) end
local function is_over(record) return record[EXPIRY] > 0 and record[EXPIRY] <= now end

-- First look whether all changes can be made, each on what those before it leave.
local known, holders = {}, {}
local function stored(place)
  if known[place] == nil then
    local text = redis.call('HGET', KEYS[1], place)
    known[place] = text and head_of(text)
  end
  return known[place]
end
local function holder_of(name)
  if holders[name] == nil then holders[name] = redis.call('HGET', KEYS[2], name) end
  return holders[name]
end
for at = 3, #ARGV, 4 do
  local number, word, place, text = (at - 3) / 4, ARGV[at], ARGV[at + 1], ARGV[at + 3]
  local prefix = prefix_of(place)
  local before = stored(place)
  local living = before and not is_over(before)
  if word == 'add' then
    if living then return {'changed', number} end
  elseif not living or before[VERSION] ~= tonumber(ARGV[at + 2]) then
    return {'changed', number}
  end
  if before then
    for _, name in ipairs(before[NAMES]) do
      if holder_of(prefix .. name) == id_of(place) then holders[prefix .. name] = false end
    end
  end
  local after = text ~= '' and head_of(text)
  known[place] = after
  if after then
    for which, name in ipairs(after[NAMES]) do
      local holder = holder_of(prefix .. name)
      if holder and holder ~= id_of(place) then
        local other = stored(prefix .. holder)
        if other and not is_over(other) then return {'taken', number, which - 1} end
      end
      holders[prefix .. name] = id_of(place)
    end
  end
end

-- Then make them; a full server refuses the first write of a script only, so what takes room comes first.
local function take_out(place, record)
  local prefix = prefix_of(place)
  for _, name in ipairs(record[NAMES]) do
    if redis.call('HGET', KEYS[2], prefix .. name) == id_of(place) then redis.call('HDEL', KEYS[2], prefix .. name) end
  end
  redis.call('ZREM', KEYS[3], member_of(place, ''))
  for _, group in ipairs(record[GROUPS]) do redis.call('ZREM', KEYS[3], member_of(place, group)) end
  if record[EXPIRY] > 0 then redis.call('ZREM', KEYS[4], place) end
end
local answer = {'done'}
for at = 3, #ARGV, 4 do
  local place, text = ARGV[at + 1], ARGV[at + 3]
  local before = redis.call('HGET', KEYS[1], place)
  if text == '' then
    redis.call('HDEL', KEYS[1], place)
    answer[#answer + 1] = before
  else
    redis.call('HSET', KEYS[1], place, text)
  end
  if before then take_out(place, head_of(before)) end
  if text ~= '' then
    local record = head_of(text)
    for _, name in ipairs(record[NAMES]) do redis.call('HSET', KEYS[2], prefix_of(place) .. name, id_of(place)) end
    redis.call('ZADD', KEYS[3], 0, member_of(place, ''))
    for _, group in ipairs(record[GROUPS]) do redis.call('ZADD', KEYS[3], 0, member_of(place, group)) end
    if record[EXPIRY] > 0 then redis.call('ZADD', KEYS[4], record[EXPIRY], place) end
  end
end
for _, place in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  local text = redis.call('HGET', KEYS[1], place)
  redis.call('HDEL', KEYS[1], place)
  redis.call('ZREM', KEYS[4], place)
  if text then take_out(place, head_of(text)) end
end
return answer
