#!lua flags=no-writes
-- read-wallet: one wallet; changes nothing
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- ARGV[1] wallet  id
-- Returns: { owned, held, version, debt, flags, cmd seq }
-- Writes: nothing
-- Cost: O(1)
local K = { meta = KEYS[1], bal = KEYS[2] }
-- @include shard
local w = loadWallet(ARGV[1])
return {
  digits(total(w)), digits(w[HELD]), digits(w[VERSION]), digits(w[DEBT]), digits(w[FLAGS]),
  digits(w[CMDSEQ]),
}
