-- KEYS: a list of pointers to visits, and its sorted set of late ones.
-- ARGV: unix milliseconds before which visits are old, and how many are to be deleted in one step, about.
-- Returns the milliseconds that this step ends before, and the links (as the pointers have them) that it concerns.

local before, step = tonumber(ARGV[1]), tonumber(ARGV[2])
local last = redis.call('LINDEX', KEYS[1], step)
if last then
    before = math.min(before, at_of(last) + 1)
end
last = redis.call('ZRANGE', KEYS[2], step, step)[1]
if last then
    before = math.min(before, at_of(last) + 1)
end

local links, known = {string.format('%.0f', before)}, {}
local function note(pointer)
    local link = string.sub(pointer, 9)
    if not known[link] then
        known[link] = true
        links[#links + 1] = link
    end
end

local from, old = 0, true
while old do
    local pointers = redis.call('LRANGE', KEYS[1], from, from + SLICE - 1)
    for _, pointer in ipairs(pointers) do
        old = at_of(pointer) < before
        if not old then
            break
        end
        note(pointer)
    end
    from = from + SLICE
    old = old and #pointers == SLICE
end
for _, pointer in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. links[1])) do
    note(pointer)
end
return links
