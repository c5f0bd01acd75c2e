local call = redis.call
local SLICE = 1000 -- texts that one command is given

-- Runs a command with texts[first..last] behind its key, in slices; returns the sum of the replies.
local function in_slices(command, key, texts, first, last)
    local sum = 0
    for from = first, last, SLICE do
        sum = sum + call(command, key, unpack(texts, from, math.min(last, from + SLICE - 1)))
    end
    return sum
end
