-- Adds visits to a partition's counts and moves its journal positions, or does nothing at all.
--
-- KEYS[1] is the hash of positions, KEYS[2] the set of changed links; the message names the others by their number.
-- ARGV[1] is the message, see click_folding.py; what follows are entries of lists of visits, by time.
-- Returns 1, or 0 when the message was made for other positions than these.

local max_values, other, keep_s, positions, changed, seen, rows, lists = unpack(cmsgpack.unpack(ARGV[1]))
local OVERLAP = 1000 -- newest entries of a list that older ones may still be sorted into

for i = 1, #positions, 3 do
    if tonumber(call('HGET', KEYS[1], positions[i]) or 0) ~= positions[i + 1] then
        return 0
    end
end

-- Counts ----------------------------------------------------------------------------------------------------

local function is_value(name) -- of a dimension, rather than a number of the row itself
    local letter = string.byte(name)
    return letter >= 97 and letter <= 122 and string.sub(name, 2) ~= other
end

-- Writes down how many values of each dimension the row keeps apart.
local function count_values(key)
    local kept = {}
    for _, name in ipairs(call('HKEYS', key)) do
        if is_value(name) then
            local counter = '#' .. string.sub(name, 1, 1)
            kept[counter] = (kept[counter] or 0) + 1
        end
    end
    call('HSET', key, '#', 1)
    for counter, number in pairs(kept) do
        call('HSET', key, counter, number)
    end
end

-- Takes out of `names` the new values that find no room, the rarest ones, and returns what they sum up to.
local function refuse_values(key, names, numbers, new)
    if call('HEXISTS', key, '#') == 0 then
        count_values(key)
    end
    local by_letter = {}
    for _, i in ipairs(new) do
        if is_value(names[i]) then
            local letter = string.sub(names[i], 1, 1)
            by_letter[letter] = by_letter[letter] or {}
            table.insert(by_letter[letter], i)
        end
    end
    local refused = {}
    for letter, values in pairs(by_letter) do
        local kept = tonumber(call('HGET', key, '#' .. letter) or 0)
        local room = max_values - kept
        if #values > room then
            table.sort(values, function(i, j)
                return numbers[i] > numbers[j] or (numbers[i] == numbers[j] and i < j)
            end)
            refused[letter .. other] = 0
            for nth = room + 1, #values do
                local i = values[nth]
                refused[letter .. other] = refused[letter .. other] + numbers[i]
                names[i] = false
            end
        end
        call('HSET', key, '#' .. letter, math.min(max_values, kept + #values))
    end
    return refused
end

local texts = {} -- of numbers, most of which are small and come again

local function text_of(number)
    local text = texts[number]
    if not text then
        text = string.format('%.0f', number)
        texts[number] = text
    end
    return text
end

-- Adds the numbers of a row that is there already, and takes out of `names` what finds no room; returns what is refused.
local function add_known(key, names, numbers, length)
    local new = {}
    for from = 1, #names, SLICE do
        local known = call('HMGET', key, unpack(names, from, math.min(#names, from + SLICE - 1)))
        for i = 1, #known do
            local number, place = known[i], from + i - 1
            if number then
                numbers[place] = numbers[place] + number
            else
                new[#new + 1] = place
            end
        end
    end
    if #new > 0 and length + #new > max_values then
        return refuse_values(key, names, numbers, new)
    end
    return {}
end

-- Adds numbers to the fields of a row; returns whether it is a new one.
local function add(key, names, numbers)
    local length, refused = call('HLEN', key), {}
    if length > 0 or #names > max_values then
        refused = add_known(key, names, numbers, length)
    end
    local fields, last = {}, 0
    for i = 1, #names do
        if names[i] then
            local number = numbers[i]
            fields[last + 1] = names[i]
            fields[last + 2] = texts[number] or text_of(number)
            last = last + 2
        end
    end
    in_slices('HSET', key, fields, 1, last)
    for name, number in pairs(refused) do
        call('HINCRBY', key, name, text_of(number))
    end
    return length == 0
end

-- Visitors --------------------------------------------------------------------------------------------------

-- Adds a day's visitors to their sets, and those that are new there to the fields of their rows.
local function see(names_key, days_key, day, sets)
    local names = {}
    for i, set in ipairs(sets) do
        local key, name, row, who = unpack(set)
        names[i] = name
        local new = in_slices('SADD', KEYS[key], who, 1, #who)
        if new > 0 then
            local _, fields, numbers = unpack(rows[row])
            local last = #fields
            if fields[last] == '*' then
                numbers[last] = numbers[last] + new
            else
                fields[last + 1] = '*'
                numbers[last + 1] = new
            end
        end
    end
    local new_names = {}
    for from = 1, #names, SLICE do
        local known = call('SMISMEMBER', names_key, unpack(names, from, math.min(#names, from + SLICE - 1)))
        for i, is_known in ipairs(known) do
            if is_known == 0 then
                local place = from + i - 1
                new_names[#new_names + 1] = names[place]
                call('EXPIRE', KEYS[sets[place][1]], keep_s)
            end
        end
    end
    if #new_names > 0 then
        in_slices('SADD', names_key, new_names, 1, #new_names)
        call('EXPIRE', names_key, keep_s)
        call('SADD', days_key, day)
    end
end

-- Lists of visits -------------------------------------------------------------------------------------------

-- Sorts ARGV[first..last] into the newest entries of a list; those that are older than all of these come too late.
local function merge(list, late, first, last)
    local newest = call('LRANGE', list, -OVERLAP, -1)
    if call('LLEN', list) > #newest then
        while first <= last and is_before(ARGV[first], newest[1]) do
            call('ZADD', late, at_of(ARGV[first]), ARGV[first])
            first = first + 1
        end
    end
    if first > last then
        return
    end
    local from = #newest + 1
    while from > 1 and is_before(ARGV[first], newest[from - 1]) do
        from = from - 1
    end
    local merged = {}
    for i = from, #newest do
        while first <= last and is_before(ARGV[first], newest[i]) do
            merged[#merged + 1] = ARGV[first]
            first = first + 1
        end
        merged[#merged + 1] = newest[i]
    end
    for i = first, last do
        merged[#merged + 1] = ARGV[i]
    end
    if from <= #newest then
        call('LTRIM', list, 0, from - #newest - 2)
    end
    in_slices('RPUSH', list, merged, 1, #merged)
end

-- Appends ARGV[first..last]; returns whether the list is a new one.
local function append(list, late, first, last)
    local newest = call('LINDEX', list, -1)
    if newest and is_before(ARGV[first], newest) then
        merge(list, late, first, last)
    else
        in_slices('RPUSH', list, ARGV, first, last)
    end
    return not newest
end

-- The step --------------------------------------------------------------------------------------------------

for _, of_day in ipairs(seen) do
    local names, days, day, sets = unpack(of_day)
    see(KEYS[names], KEYS[days], day, sets)
end

for _, row in ipairs(rows) do
    local key, names, numbers, days, day = unpack(row)
    if add(KEYS[key], names, numbers) and days then
        call('SADD', KEYS[days], day)
    end
end

for _, list in ipairs(lists) do
    local key, late, first, last, days, day = unpack(list)
    if append(KEYS[key], KEYS[late], first, last) and days then
        call('SADD', KEYS[days], day)
    end
end

if #changed > 0 then
    in_slices('SADD', KEYS[2], changed, 1, #changed)
end

for i = 1, #positions, 3 do
    call('HSET', KEYS[1], positions[i], positions[i + 2])
end
return 1
