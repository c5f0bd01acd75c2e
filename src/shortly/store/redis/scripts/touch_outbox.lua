-- Appends an entry that says nothing, so that the index's position can be moved without a change of links.
-- KEYS: an outbox. Returns its last entry before and after.
local before = last_of(KEYS[1])
return {before, redis.call('XADD', KEYS[1], '*', 'links', '')}
