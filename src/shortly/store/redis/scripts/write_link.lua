-- Writes one link with aliases, or a new version of one, and the entries of its slugs in its home partition.
-- KEYS: outbox, deleted links, the link, its home redirection, then entries to be written.
-- ARGV: id; the version that is to be replaced or '' for a new link; the link's text; its home redirection or '' for
-- none; unix milliseconds after which it is too late or ''; milliseconds after which a claim lapses; names in other
-- partitions that the outbox shall carry or ''; then for each entry its text and the entry that it may replace.
-- Returns the outbox's last entry before and after, or one word, and with 'taken' the entry and what has it.
local id, expected, text, home = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local current = redis.call('GET', KEYS[3])
if expected ~= '' then
  if not current then return {'missing'} end
  if current:match('^(%d+):') ~= expected then return {'changed'} end
elseif current or redis.call('ZSCORE', KEYS[2], id) then
  return {'exists'}
end
if ARGV[5] ~= '' and now_ms() > tonumber(ARGV[5]) then return {'late'} end
for place = 5, #KEYS do
  local entry = redis.call('GET', KEYS[place])
  local replaceable = ARGV[2 * place - 1]
  if not (entry and belongs_to(entry, id)) and not is_free(entry, replaceable, tonumber(ARGV[6])) then
    return {'taken', KEYS[place], reason(entry)}
  end
end
for place = 5, #KEYS do
  redis.call('SET', KEYS[place], ARGV[2 * place - 2])
end
redis.call('SET', KEYS[3], text)
if home == '' then
  redis.call('DEL', KEYS[4])
elseif redis.call('GET', KEYS[4]) ~= home then
  redis.call('SET', KEYS[4], home)
end
local before = last_of(KEYS[1])
return {before, redis.call('XADD', KEYS[1], '*', 'links', id, 'names', ARGV[7])}
