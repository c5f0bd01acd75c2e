-- Reads a page of a group. KEYS: records, groups. ARGV: kind and NUL, what the group's members begin with, the edge
-- that the page lies beyond, the group's other edge, unix milliseconds now, how many at most, 'up' or 'down'.
-- Returns ids in 8 bytes and texts in turn.
local now, most, up = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == 'up'
local command = up and 'ZRANGEBYLEX' or 'ZREVRANGEBYLEX'
local edge, answer = ARGV[3], {}
while #answer < 2 * most do
  local wanted = most - #answer / 2
  local members = redis.call(command, KEYS[2], edge, ARGV[4], 'LIMIT', 0, wanted)
  for _, member in ipairs(members) do
    local id = member:sub(-8)
    local text = redis.call('HGET', KEYS[1], ARGV[1] .. id)
    local colon = text:find(':', 1, true)
    local expiry = cmsgpack.unpack(text:sub(colon + 1, colon + tonumber(text:sub(1, colon - 1))))[2]
    if expiry == 0 or expiry > now then
      answer[#answer + 1] = id
      answer[#answer + 1] = text
    end
  end
  if #members < wanted then break end
  edge = '(' .. members[#members]
end
return answer
