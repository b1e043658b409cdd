#!lua flags=no-writes
-- read-lots: what one wallet has, lot by lot in the order of spending; changes nothing
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- ARGV[1] wallet  id
-- Returns: { cash, debt, flags, then per lot: id, amount, expires, priority, scope }
-- Writes: nothing
-- Cost: O(lots)
local K = { meta = KEYS[1], bal = KEYS[2] }
-- @include shard
local w = loadWallet(ARGV[1])
local reply = { digits(w[CASH]), digits(w[DEBT]), digits(w[FLAGS]) }
for i = 1, #w[LOTS] do
  local lot = w[LOTS][i]
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3] = lot[1], digits(lot[2]), digits(lot[3])
  reply[n + 4], reply[n + 5] = digits(lot[4]), digits(lot[5])
end
return reply
