-- Ends a claim. KEYS: the slug's entry. ARGV: id; 'confirm' makes its pending pointer a plain one, 'release' removes
-- any pointer of it, 'withdraw' removes the one claim in the third argument.
local entry = redis.call('GET', KEYS[1])
if not entry then return 0 end
local mine = entry == '@' .. ARGV[1] or entry:match('^%?(%d+):') == ARGV[1]
if ARGV[2] == 'confirm' then
  if not mine or entry:sub(1, 1) ~= '?' then return 0 end
  redis.call('SET', KEYS[1], '@' .. ARGV[1])
elseif ARGV[2] == 'release' then
  if not mine then return 0 end
  redis.call('DEL', KEYS[1])
else
  if entry ~= ARGV[3] then return 0 end
  redis.call('DEL', KEYS[1])
end
return 1
