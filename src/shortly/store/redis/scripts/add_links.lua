-- Adds new links without aliases, whose slugs and ids are all of this partition.
-- KEYS: outbox, deleted links, then for each link its slug's entry and the link itself.
-- ARGV: milliseconds after which a claim lapses; unix milliseconds after which it is too late or ''; then for each link
-- its id, redirection, text, replaceable entry.
-- Returns the outbox's last entry before and after, then for each link '' or why it was not added: '!' the id was
-- given away before, otherwise what has the slug. Or 'late' and nothing else.
if ARGV[2] ~= '' and now_ms() > tonumber(ARGV[2]) then return {'late'} end
local before = last_of(KEYS[1])
local answer = {before, before}
local added = {}
local has_deleted = redis.call('EXISTS', KEYS[2]) == 1
for place = 1, (#KEYS - 2) / 2 do
  local slug, link = KEYS[2 * place + 1], KEYS[2 * place + 2]
  local id, redirection, text, replaceable = unpack(ARGV, 4 * place - 1, 4 * place + 2)
  if (has_deleted and redis.call('ZSCORE', KEYS[2], id)) or not redis.call('SET', link, text, 'NX') then
    answer[place + 2] = '!'
  else
    local entry = redis.call('SET', slug, redirection, 'NX', 'GET')
    if is_free(entry, replaceable, tonumber(ARGV[1])) then
      if entry then redis.call('SET', slug, redirection) end
      added[#added + 1] = id
      answer[place + 2] = ''
    else
      redis.call('DEL', link)
      answer[place + 2] = reason(entry)
    end
  end
end
if #added > 0 then
  answer[2] = redis.call('XADD', KEYS[1], '*', 'links', table.concat(added, ' '))
end
return answer
