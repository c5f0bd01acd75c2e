-- Adds visits to a partition's counts and moves its journal positions, or does nothing at all.
--
-- KEYS[1] is the hash of positions, KEYS[2] the set of changed links; the message names the others by their number.
-- ARGV[1] is the message, see click_folding.py; what follows are packed days and entries of lists of visits, by time.
-- What the message has many of lies flat in one array, because Lua fills small tables slowly.
-- Returns 1, or 0 when the message was made for other positions than these.

local limits, positions, changed, seen, days, additions, lists, tops = unpack(cmsgpack.unpack(ARGV[1]))
local max_values, other, keep_s, few_bytes, counts = unpack(limits)
local OVERLAP = 1000 -- newest entries of a list that older ones may still be sorted into

for i = 1, #positions, 3 do
    if tonumber(call('HGET', KEYS[1], positions[i]) or 0) ~= positions[i + 1] then
        return 0
    end
end

local new_visitors = {}
for i = 1, counts do
    new_visitors[i] = 0
end

local texts, names, rows = {}, {}, {} -- the same tables for all rows, which spares Lua collecting others

local function text_of(number) -- most of which are small and come again
    local text = texts[number]
    if not text then
        text = string.format('%.0f', number)
        texts[number] = text
    end
    return text
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

-- Takes the new values that find no room, the rarest ones, out of a row, and returns what they sum up to.
-- `new` are places of their names.
local function refuse_values(key, new)
    if call('HEXISTS', key, '#') == 0 then
        count_values(key)
    end
    local by_letter = {}
    for _, place in ipairs(new) do
        if is_value(rows[place]) then
            local letter = string.sub(rows[place], 1, 1)
            by_letter[letter] = by_letter[letter] or {}
            table.insert(by_letter[letter], place)
        end
    end
    local refused = {}
    for letter, values in pairs(by_letter) do
        local kept = tonumber(call('HGET', key, '#' .. letter) or 0)
        local room = max_values - kept
        if #values > room then
            table.sort(values, function(one, two)
                local number, other_number = tonumber(rows[one + 1]), tonumber(rows[two + 1])
                return number > other_number or (number == other_number and one < two)
            end)
            local sum = 0
            for nth = room + 1, #values do
                sum = sum + rows[values[nth] + 1]
                rows[values[nth]] = false
            end
            refused[letter .. other] = sum
        end
        call('HSET', key, '#' .. letter, math.min(max_values, kept + #values))
    end
    return refused
end

-- Adds what a row that is there has already; returns what is refused, or nil.
local function add_known(key, first, last, length)
    local new
    for from = first, last, 2 * SLICE do
        local count = 0
        for place = from, math.min(last, from + 2 * SLICE - 1), 2 do
            count = count + 1
            names[count] = rows[place]
        end
        local known = call('HMGET', key, unpack(names, 1, count))
        for i = 1, count do
            local place = from + 2 * i - 1
            if known[i] then
                rows[place] = text_of(rows[place] + known[i])
            else
                new = new or {}
                new[#new + 1] = place - 1
            end
        end
    end
    if new and length + #new > max_values then
        return refuse_values(key, new)
    end
end

-- Adds sums to a row.
local function add(key, sums)
    local last = 0
    for name, number in pairs(sums) do
        rows[last + 1] = name
        rows[last + 2] = text_of(number)
        last = last + 2
    end
    local length = call('HLEN', key)
    local refused
    if length > 0 or last > 2 * max_values then
        refused = add_known(key, 1, last, length)
    end
    if not refused then
        in_slices('HSET', key, rows, 1, last)
        return
    end
    local fields = {}
    for place = 1, last, 2 do
        if rows[place] then
            fields[#fields + 1] = rows[place]
            fields[#fields + 1] = rows[place + 1]
        end
    end
    in_slices('HSET', key, fields, 1, #fields)
    for name, number in pairs(refused) do
        call('HINCRBY', key, name, text_of(number))
    end
end

-- Days ------------------------------------------------------------------------------------------------------

-- Adds sums to others, or returns them where there are none.
local function sum_of(others, sums)
    if not others then
        return sums
    end
    for name, number in pairs(sums) do
        others[name] = (others[name] or 0) + number
    end
    return others
end

-- Returns how many of the clicks of a packed day are those of people.
local function people_in(few)
    local people = 0
    for i = 3, #few, 2 do
        people = people + (few[i]['+'] or 0) - (few[i]['-'] or 0)
    end
    return people
end

-- Adds what is packed to another packed day, and returns this.
local function add_packed(few, more)
    few[1] = few[1] + more[1]
    for i = 2, #more, 2 do
        local at = 2
        while few[at] and few[at] ~= more[i] do
            at = at + 2
        end
        few[at], few[at + 1] = more[i], sum_of(few[at + 1], more[i + 1])
    end
    return few
end

-- Adds what is packed to the rows of a day and of its hours, whose keys are KEYS[days[first..]].
local function add_to_rows(key, first, packed)
    local sums = {}
    for i = 2, #packed, 2 do
        local hour, of_hour = packed[i], packed[i + 1]
        add(KEYS[days[first + i / 2 - 1]], of_hour)
        sum_of(sums, of_hour)
        if of_hour['+'] then
            sums[text_of(hour)] = of_hour['+']
            sums[text_of(hour) .. 'b'] = of_hour['-']
        end
    end
    if packed[1] > 0 then
        sums['*'] = packed[1]
    end
    add(key, sums)
end

-- Adds the day at days[at] to what is there; returns how many clicks of people that has then, if it was told any.
local function add_day(at)
    local few_key, row_key, days_key, day, nth, visitors, count, people = unpack(days, at, at + 7)
    few_key, row_key = KEYS[few_key], KEYS[row_key]
    local text, packed = ARGV[nth]
    if count > 0 and new_visitors[count] ~= visitors then
        packed = cmsgpack.unpack(text)
        packed[1] = new_visitors[count]
        text = cmsgpack.pack(packed)
    end
    local is_new = call('SADD', KEYS[days_key], day) == 1
    if is_new and #text <= few_bytes then
        call('SET', few_key, text)
        return people
    end
    packed = packed or cmsgpack.unpack(text)
    local old = not is_new and call('GET', few_key)
    local few = old and cmsgpack.unpack(old)
    if #text + (old and #old or 0) <= few_bytes then
        few = few and add_packed(few, packed) or packed
        call('SET', few_key, cmsgpack.pack(few))
    else
        add_to_rows(row_key, at + 9, packed)
    end
    if people > 0 then
        local row = call('HMGET', row_key, '+', '-')
        people = (row[1] or 0) - (row[2] or 0) + (few and people_in(few) or 0)
    end
    return people
end

-- Visitors --------------------------------------------------------------------------------------------------

-- Adds a day's visitors to their sets, and how many of them are new there to the counts.
local function see(names_key, days_key, day, sets)
    local set_names, set_keys, i = {}, {}, 1
    while i <= #sets do
        local key, name, number, count = unpack(sets, i, i + 3)
        new_visitors[number] = new_visitors[number] + in_slices('SADD', KEYS[key], sets, i + 4, i + 3 + count)
        set_names[#set_names + 1] = name
        set_keys[#set_keys + 1] = KEYS[key]
        i = i + 4 + count
    end
    local new_names = {}
    for from = 1, #set_names, SLICE do
        local known = call('SMISMEMBER', names_key, unpack(set_names, from, math.min(#set_names, from + SLICE - 1)))
        for nth, is_known in ipairs(known) do
            if is_known == 0 then
                local place = from + nth - 1
                new_names[#new_names + 1] = set_names[place]
                call('EXPIRE', set_keys[place], keep_s)
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
    if last - first < SLICE then
        local length = call('RPUSH', list, unpack(ARGV, first, last))
        local before = length - (last - first + 1)
        if before == 0 or not is_before(ARGV[first], call('LINDEX', list, before - 1)) then
            return before == 0
        end
        call('LTRIM', list, 0, before - 1) -- some were there that are newer
        merge(list, late, first, last)
        return false
    end
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
    local names_key, days_key, day, sets = unpack(of_day)
    see(KEYS[names_key], KEYS[days_key], day, sets)
end

local people = {} -- who clicked, by the number of the link and day among all
local at = 1
while at <= #days do
    people[#people + 1] = add_day(at)
    at = at + 9 + days[at + 8]
end

local numbers, of_visitors, moments_s, moments = unpack(additions)
for i = 1, #numbers, 3 do
    call('HINCRBY', KEYS[numbers[i]], numbers[i + 1], numbers[i + 2])
end
for i = 1, #of_visitors, 2 do
    call('HINCRBY', KEYS[of_visitors[i]], '*', new_visitors[of_visitors[i + 1]])
end
for _, key in ipairs(moments) do
    call('EXPIRE', KEYS[key], moments_s)
end

local top_kept, tops_s, top_sets = unpack(tops)
for _, set in ipairs(top_sets) do
    local key, links = KEYS[set[1]], set[2]
    local scored = {}
    for i = 1, #links, 2 do
        scored[i] = text_of(people[links[i + 1]])
        scored[i + 1] = links[i]
    end
    in_slices('ZADD', key, scored, 1, #scored)
    local surplus = call('ZRANGE', key, 0, -top_kept - 1)
    in_slices('ZREM', key, surplus, 1, #surplus)
    call('EXPIRE', key, tops_s)
end

for i = 1, #lists, 6 do
    local key, late, first, last, days, day = unpack(lists, i, i + 5)
    if append(KEYS[key], KEYS[late], first, last) and days > 0 then
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
