-- bare-tip: the least that a tip has to do, the ceiling of the benchmark
-- KEYS[1] bal  hash  wallet -> milli-credits
-- KEYS[2] idem  hash  key -> result
-- KEYS[3] out  stream  outbox
-- ARGV[1] wallet  id
-- ARGV[2] amount  milli-credits
-- ARGV[3] key  idempotency key
-- Returns: what is left
-- Writes: bal, idem, out
-- Cost: O(1), about 8 us
local known = redis.call('HGET', KEYS[2], ARGV[3])
if known then return known end
local left = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') - tonumber(ARGV[2])
local text = string.format('%.0f', left)
redis.call('HSET', KEYS[1], ARGV[1], text)
redis.call('XADD', KEYS[3], '*', 'e', 't ' .. ARGV[1] .. ' ' .. ARGV[3] .. ' ' .. ARGV[2])
redis.call('HSET', KEYS[2], ARGV[3], text)
return text
