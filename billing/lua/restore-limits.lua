#!lua
-- restore-limits: gives wallets of a shard that is being restored their spending limits back; what
-- was spent today counts from zero again
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- ARGV[1] token  of this restore
-- ARGV[2] version  that every wallet starts from
-- ARGV[3...] wallet, version of the limits, per show, per minute, per day, per tip  six per wallet
-- Returns: OK
-- Writes: bal
-- Cost: O(wallets), about 3 µs each
if redis.call('HGET', KEYS[1], 'restoring') ~= ARGV[1] then
  return redis.error_reply('FENCED another restore has begun')
end
for i = 3, #ARGV, 6 do
  local packed = redis.call('HGET', KEYS[2], ARGV[i])
  local w = packed and cmsgpack.unpack(packed) or { 0, 0, 0, 0, 0, tonumber(ARGV[2]), {} }
  w[8] = {
    tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]),
    tonumber(ARGV[i + 1]), 0, 0, 0, 0,
  }
  redis.call('HSET', KEYS[2], ARGV[i], cmsgpack.pack(w))
end
return redis.status_reply('OK')
