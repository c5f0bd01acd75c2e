-- Calls `each` with the ids of some rows of each chunk. KEYS: those of the chunks' ids, 8 bytes a row, from the second
-- one on. ARGV: for each chunk how many rows, and these, within the chunk.
local function with_ids(each)
  local place = 1
  for chunk = 2, #KEYS do
    local count, wanted = tonumber(ARGV[place]), {}
    for nth = 1, count do
      wanted[3 * nth - 2], wanted[3 * nth - 1], wanted[3 * nth] = 'GET', 'i64', '#' .. ARGV[place + nth]
    end
    place = place + count + 1
    local ids = redis.call('BITFIELD_RO', KEYS[chunk], unpack(wanted))
    for nth = 1, count do ids[nth] = struct.pack('>I8', ids[nth]) end
    each(ids)
  end
end
