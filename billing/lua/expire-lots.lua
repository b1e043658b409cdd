#!lua
-- expire-lots: takes expired lots out of wallets; the outbox says from which lot how much
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- KEYS[3] out  stream  outbox
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2...] wallet  ids, at most 64
-- Returns: { wallet, owned, held, version } of every wallet that changed, flat
-- Writes: bal, out (e), meta
-- Cost: O(wallets × lots), about 5 µs each
local K = { meta = KEYS[1], bal = KEYS[2], out = KEYS[3] }
-- @include shard
-- @include limits
-- @include lots
local now = readClock(ARGV[1])
local ids, changed, reply = {}, {}, {}
for i = 2, #ARGV do
  ids[#ids + 1] = ARGV[i]
end
loadWallets(ids)
for i = 1, #ids do
  if expireLots(ids[i], wallets[ids[i]], now) then
    changed[#changed + 1] = ids[i]
  end
end
if #changed > 0 then
  commit()
end
for i = 1, #changed do
  local w = wallets[changed[i]]
  local n = #reply
  reply[n + 1], reply[n + 2] = changed[i], digits(total(w))
  reply[n + 3], reply[n + 4] = digits(w[HELD]), digits(w[VERSION])
end
return reply
