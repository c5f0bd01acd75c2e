-- Entries of lists of visits: they begin with an id of 8 bytes (unix milliseconds << 20 | number), highest byte first,
-- which no number of Lua's can hold whole. Texts are not compared as such: that depends on the server's locale.

local function is_before(one, other)
    local high, low = struct.unpack('>I4I4', one)
    local other_high, other_low = struct.unpack('>I4I4', other)
    return high < other_high or (high == other_high and low < other_low)
end

local function at_of(entry)
    local high, low = struct.unpack('>I4I4', entry)
    return high * 4096 + math.floor(low / 1048576)
end
