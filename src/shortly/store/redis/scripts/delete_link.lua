-- Deletes one link and the entries of its slugs in its home partition.
-- KEYS: outbox, deleted links, the link, its home redirection, then its entries.
-- ARGV: id; the version that is to be deleted; unix milliseconds; names in other partitions or ''.
-- Returns the outbox's last entry before and after, or one word.
local id = ARGV[1]
local current = redis.call('GET', KEYS[3])
if not current then return {'missing'} end
if current:match('^(%d+):') ~= ARGV[2] then return {'changed'} end
for place = 5, #KEYS do
  local entry = redis.call('GET', KEYS[place])
  if entry and belongs_to(entry, id) then redis.call('DEL', KEYS[place]) end
end
redis.call('DEL', KEYS[3], KEYS[4])
redis.call('ZADD', KEYS[2], ARGV[3], id)
local before = last_of(KEYS[1])
return {before, redis.call('XADD', KEYS[1], '*', 'links', id, 'names', ARGV[4])}
