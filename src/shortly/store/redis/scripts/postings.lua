-- Postings of a gram in a chunk of 65,536 rows: numbers of 2 bytes, little-endian, each once, in any order; or, where
-- these need as much room, or will soon, a bitmap of exactly 8,192 bytes whose first bit is row 0.
local BITMAP = 8192

local function packed(row) return string.char(row % 256, math.floor(row / 256)) end

local function unpacked(text, place)
  local low, high = text:byte(place, place + 1)
  return high * 256 + low
end

local bor, call = bit.bor, redis.call
local BITS = {[0] = 128, 64, 32, 16, 8, 4, 2, 1}

local function mark(bytes, row)
  local low = row % 8
  local place = (row - low) / 8
  bytes[place] = bor(bytes[place] or 0, BITS[low])
end

local function text_of(bytes, first, last)
  for place = first, last do bytes[place] = bytes[place] or 0 end
  local parts = {}
  for place = first, last, 1000 do
    parts[#parts + 1] = string.char(unpack(bytes, place, math.min(place + 999, last)))
  end
  return table.concat(parts)
end

-- Sets the bits of first..last, without a gap.
local function fill(bytes, first, last)
  while first <= last and (first % 8 ~= 0 or last - first < 7) do
    mark(bytes, first)
    first = first + 1
  end
  while last - first >= 7 do
    bytes[first / 8] = 255
    first = first + 8
  end
  for row = first, last do mark(bytes, row) end
end

-- Whether a row is in a text of either form.
local function has_row(text, row)
  if #text == BITMAP then
    local low = row % 8
    return bit.band(text:byte((row - low) / 8 + 1), BITS[low]) ~= 0
  end
  local wanted = packed(row)
  local place = text:find(wanted, 1, true)
  while place and place % 2 == 0 do place = text:find(wanted, place + 1, true) end
  return place ~= nil
end

-- Makes a bitmap of a posting that is none, or is not there; in one piece, because what grows gets room for twice as much.
local function make_bitmap(key)
  local known, bytes, last = call('GET', key) or '', {}, -1
  for place = 1, #known, 2 do
    local row = unpacked(known, place)
    mark(bytes, row)
    last = math.max(last, row)
  end
  local text = text_of(bytes, 0, math.floor(last / 8))
  call('SET', key, text .. string.rep('\0', BITMAP - #text))
end

-- Adds the rows in a text, each moved on by `shift`; a text with more than one has them rising.
local function add_rows(key, text, shift)
  local length, count = call('STRLEN', key), #text / 2
  if shift == 0 and length ~= BITMAP and length + #text < BITMAP then
    call('APPEND', key, text)
    return
  end
  local rows = {}
  for place = 1, count do
    local low, high = text:byte(2 * place - 1, 2 * place)
    rows[place] = high * 256 + low + shift
  end
  if length ~= BITMAP and length + #text < BITMAP then
    for place, row in ipairs(rows) do rows[place] = packed(row) end
    call('APPEND', key, table.concat(rows))
  elseif length ~= BITMAP then
    make_bitmap(key)
    add_rows(key, text, shift)
  elseif count < 4 or rows[count] - rows[1] > 4096 then
    for _, row in ipairs(rows) do call('SETBIT', key, row, 1) end
  else -- neighbours
    local first, last = math.floor(rows[1] / 8), math.floor(rows[count] / 8)
    local known, bytes = call('GETRANGE', key, first, last), {}
    for place = first, last do bytes[place] = known:byte(place - first + 1) end
    if rows[count] - rows[1] == count - 1 then
      fill(bytes, rows[1], rows[count])
    else
      for _, row in ipairs(rows) do mark(bytes, row) end
    end
    call('SETRANGE', key, first, text_of(bytes, first, last))
  end
end

-- Adds the rows in a bitmap that begins at the byte of row `first`, each moved on by `shift`; no posting has rows from
-- `first` on yet. The posting becomes a bitmap if it is none, because what many links have, many more will have.
local function add_bitmap(key, bits, first, shift)
  if call('STRLEN', key) ~= BITMAP then make_bitmap(key) end
  local low = first % 8
  local place = (first - low) / 8
  if shift ~= 0 then
    for nth = 1, #bits do
      local byte = bits:byte(nth)
      for bit_of, value in pairs(BITS) do
        if bit.band(byte, value) ~= 0 then call('SETBIT', key, 8 * (place + nth - 1) + bit_of + shift, 1) end
      end
    end
    return
  end
  if low > 0 then bits = string.char(bor(call('GETRANGE', key, place, place):byte(), bits:byte())) .. bits:sub(2) end
  call('SETRANGE', key, place, bits)
end

local function remove_row(key, row)
  local length = call('STRLEN', key)
  if length == BITMAP then
    call('SETBIT', key, row, 0)
  elseif length > 0 then
    local known, wanted = call('GET', key), packed(row)
    local place = known:find(wanted, 1, true)
    while place and place % 2 == 0 do place = known:find(wanted, place + 1, true) end
    if place then
      local left = known:sub(1, place - 1) .. known:sub(place + 2)
      if left == '' then call('DEL', key) else call('SET', key, left) end
    end
  end
end
