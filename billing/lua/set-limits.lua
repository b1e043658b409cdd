#!lua
-- set-limits: what a wallet may spend; an older version than the stored one changes nothing
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- KEYS[3] out  stream  outbox
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] wallet  id
-- ARGV[3] version  grows with every change
-- ARGV[4] per show  milli-credits, 0 = no limit
-- ARGV[5] per minute  likewise
-- ARGV[6] per day  likewise
-- ARGV[7] per tip  likewise
-- Returns: { owned, held, version of the wallet }
-- Writes: bal, meta
-- Cost: O(1), about 15 µs
local K = { meta = KEYS[1], bal = KEYS[2], out = KEYS[3] }
-- @include shard
-- @include limits
readClock(ARGV[1])
local w = loadWallet(ARGV[2])
local lim = w[LIM] or { 0, 0, 0, 0, 0, 0, 0, 0, 0 }
local version = whole(ARGV[3])
if version > lim[LIMVERSION] then
  lim[PERSHOW], lim[PERMINUTE], lim[PERDAY] = whole(ARGV[4]), whole(ARGV[5]), whole(ARGV[6])
  lim[TIPMAX], lim[LIMVERSION] = whole(ARGV[7]), version
  w[LIM] = lim
  touchWallet(ARGV[2])
  commit()
end
return { digits(total(w)), digits(w[HELD]), digits(w[VERSION]) }
