#!lua
-- begin-restore: empties a shard and marks it, so that no other script runs on it until
-- finish-restore
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash
-- KEYS[3] out  stream
-- KEYS[4] sess  hash
-- KEYS[5] due  zset
-- KEYS[6] room  zset
-- KEYS[7] live  hash
-- KEYS[8] idem:0  hash
-- KEYS[9] idem:1  hash
-- KEYS[10] ticket  zset
-- ARGV[1] token  of this restore
-- Returns: OK
-- Writes: all keys
-- Cost: O(1), freeing happens in the background
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9],
  KEYS[10])
redis.call('HSET', KEYS[1], 'restoring', ARGV[1])
return redis.status_reply('OK')
