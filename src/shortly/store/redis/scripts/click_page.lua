-- KEYS: a list of visits, and its sorted set of late ones.
-- ARGV: the id that the page begins at, the id that it ends before, how many.
-- Returns the newest of both, those of the list first, each newest first: twice as many at most.

local since, before, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local page = {}

local low, high = 0, redis.call('LLEN', KEYS[1])
if high > 0 and is_before(redis.call('LINDEX', KEYS[1], -1), before) then
    low = high -- the newest page, which is asked for most
end
while low < high do
    local middle = math.floor((low + high) / 2)
    if is_before(redis.call('LINDEX', KEYS[1], middle), before) then
        low = middle + 1
    else
        high = middle
    end
end
if low > 0 then
    local found = redis.call('LRANGE', KEYS[1], math.max(0, low - limit), low - 1)
    for i = #found, 1, -1 do
        if is_before(found[i], since) then
            break
        end
        page[#page + 1] = found[i]
    end
end

local wanted, offset = #page + limit, 0
repeat
    local late = redis.call('ZREVRANGEBYSCORE', KEYS[2], at_of(before), at_of(since), 'LIMIT', offset, limit)
    for _, entry in ipairs(late) do
        if #page < wanted and is_before(entry, before) and not is_before(entry, since) then
            page[#page + 1] = entry
        end
    end
    offset = offset + #late
until #late < limit or #page == wanted
return page
