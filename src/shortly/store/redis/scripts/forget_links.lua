-- Forgets deleted links of one partition. KEYS: deleted links, clicks taken. ARGV: ids. Others are left alone.
for place = 1, #ARGV do
  if redis.call('ZREM', KEYS[1], ARGV[place]) == 1 then redis.call('HDEL', KEYS[2], ARGV[place]) end
end
return #ARGV
