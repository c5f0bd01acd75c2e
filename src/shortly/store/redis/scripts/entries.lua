-- Entries of slugs, at keys r:. Three kinds: "<id>:..." a redirection, "@<id>" a pointer, "?<id>:<ms>" a pending pointer.

local function now_ms()
  local now = redis.call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

-- Whether an entry may be overwritten: the caller has found out that its link does not name the slug, and it is not
-- the claim of somebody who may still be at work.
local function is_free(entry, replaceable, lapse_ms)
  if not entry then return true end
  if entry ~= replaceable then return false end
  if entry:sub(1, 1) == '@' then return true end
  local since = entry:match('^%?%d+:(%d+)$')
  return since and now_ms() - since > lapse_ms
end

-- What a caller who may not have the slug needs to know: the pointer, or "=" for a link's own redirection.
local function reason(entry)
  local kind = entry:sub(1, 1)
  if kind == '@' or kind == '?' then return entry end
  return '='
end

local function belongs_to(entry, id)
  return entry == '@' .. id or entry:match('^%??(%d+):') == id
end

local function last_of(outbox)
  local last = redis.call('XREVRANGE', outbox, '+', '-', 'COUNT', 1)[1]
  return last and last[1] or '0-0'
end
