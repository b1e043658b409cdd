#!lua
-- restore-commands: remembers settled commands again in a shard that is being restored
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] idem  hash  the generation of today
-- ARGV[1] token  of this restore
-- ARGV[2...] field, stored value  pairs
-- Returns: OK
-- Writes: idem
-- Cost: O(pairs)
if redis.call('HGET', KEYS[1], 'restoring') ~= ARGV[1] then
  return redis.error_reply('FENCED another restore has begun')
end
for i = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end
return redis.status_reply('OK')
