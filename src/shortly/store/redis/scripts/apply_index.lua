-- Brings the index from one position of some outboxes to a later one, all or nothing.
-- KEYS: positions, counter of rows, documents, ids of the rows of one chunk, then what the instructions name; at the
-- end the postings that new documents come into.
-- ARGV: how many partitions move; for each its number, the position that the index must have, the new one; the row
-- that the first new document is expected to get; how many documents are new, and how many postings they come into as
-- rows, and how many as a bitmap; for each document its link id (8 bytes) and text; for the former postings the rows within
-- the chunk, 2 bytes each, for the latter a bitmap that begins at the byte of the first row, as they are expected; then
-- instructions: name, place of the key, how many arguments, arguments. A name is a command, or
-- 'ADD' or 'REMOVE' with rows of a chunk.
-- Returns {'moved', partitions...} when somebody else was quicker, {'row', next} when the next row is in another chunk
-- than is expected, {'applied', next}.
local place = 2 + 3 * ARGV[1]
local moved = {'moved'}
for move = 2, place - 1, 3 do
  if (redis.call('HGET', KEYS[1], ARGV[move]) or '0-0') ~= ARGV[move + 1] then moved[#moved + 1] = ARGV[move] end
end
if #moved > 1 then return moved end

local expected, count = tonumber(ARGV[place]), tonumber(ARGV[place + 1])
local rare, common = tonumber(ARGV[place + 2]), tonumber(ARGV[place + 3])
local base = tonumber(redis.call('GET', KEYS[2]) or 0)
if count > 0 then
  if base % 65536 + count > 65536 then base = (math.floor(base / 65536) + 1) * 65536 end
  if math.floor(base / 65536) ~= math.floor(expected / 65536) then return {'row', base} end
end
place = place + 4
local ids, docs = {}, {}
for number = 0, count - 1 do
  ids[number + 1] = ARGV[place]
  docs[2 * number + 1] = ARGV[place]
  docs[2 * number + 2] = struct.pack('>I4', base + number) .. ARGV[place + 1]
  place = place + 2
end
for from = 1, #docs, 1000 do
  redis.call('HSET', KEYS[3], unpack(docs, from, math.min(from + 999, #docs)))
end
if count > 0 then
  redis.call('SETRANGE', KEYS[4], base % 65536 * 8, table.concat(ids))
  redis.call('SET', KEYS[2], string.format('%.0f', base + count))
end

for nth = #KEYS - common - rare + 1, #KEYS do
  if nth <= #KEYS - common then
    add_rows(KEYS[nth], ARGV[place], base - expected)
  else
    add_bitmap(KEYS[nth], ARGV[place], expected % 65536, base - expected)
  end
  place = place + 1
end

while place <= #ARGV do
  local name, key, last = ARGV[place], KEYS[tonumber(ARGV[place + 1])], place + 2 + ARGV[place + 2]
  place = place + 3
  if name == 'ADD' then
    add_rows(key, ARGV[place], 0)
  elseif name == 'REMOVE' then
    for at = 1, #ARGV[place], 2 do remove_row(key, unpacked(ARGV[place], at)) end
  else
    redis.call(name, key, unpack(ARGV, place, last))
  end
  place = last + 1
end
for move = 2, 1 + 3 * ARGV[1], 3 do redis.call('HSET', KEYS[1], ARGV[move], ARGV[move + 2]) end
return {'applied', base + count}
