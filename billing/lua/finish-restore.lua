#!lua
-- finish-restore: opens a restored shard under a new epoch
-- KEYS[1] meta  hash  shard counters
-- ARGV[1] token  of this restore
-- ARGV[2] epoch  already committed to SQL
-- ARGV[3] seq  of the cursor in SQL
-- ARGV[4] now  ms, the shard's clock starts here
-- ARGV[5] idem day  the day whose generation is current
-- Returns: OK
-- Writes: meta
-- Cost: O(1)
if redis.call('HGET', KEYS[1], 'restoring') ~= ARGV[1] then
  return redis.error_reply('FENCED another restore has begun')
end
redis.call('HDEL', KEYS[1], 'restoring')
redis.call('HSETNX', KEYS[1], 'sum', '0')
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'seq', ARGV[3], 'clk', ARGV[4], 'idemDay', ARGV[5])
return redis.status_reply('OK')
