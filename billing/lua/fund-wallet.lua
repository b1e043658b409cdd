#!lua
-- fund-wallet: applies one funding command that SQL has committed, in the wallet's own order
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- KEYS[3] out  stream  outbox
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] wallet  id
-- ARGV[3] cmd seq  1, 2, 3 … of this wallet
-- ARGV[4] kind  credit, lot, end-lot, debit, freeze, unfreeze
-- ARGV[5] amount  milli-credits, 0 for end-lot, freeze and unfreeze
-- ARGV[6] lot  `id expires priority scope` for kind lot and end-lot, else -
-- Returns: { status APPLIED|ALREADY|GAP|BILLING_BALANCE_LIMIT, stored cmd seq, owned, held, version
--   }
-- Writes: bal, out (f, e), meta
-- Cost: O(1), about 15 µs
local K = { meta = KEYS[1], bal = KEYS[2], out = KEYS[3] }
-- @include shard
-- @include limits
-- @include lots
local now = readClock(ARGV[1])
local wallet, cmdSeq, kind, amount = ARGV[2], whole(ARGV[3]), ARGV[4], whole(ARGV[5])
local w = loadWallet(wallet)

local function answer(status)
  return { status, digits(w[CMDSEQ]), digits(total(w)), digits(w[HELD]), digits(w[VERSION]) }
end

-- Debt is repaid before anything can be spent.
local owing = 0
local function credit(value)
  local repaid = math.min(value, w[DEBT])
  owing = -repaid
  w[DEBT] = w[DEBT] - repaid
  w[CASH] = w[CASH] + value - repaid
  sum = sum + value - repaid
end

local function readLot(value)
  local id, expires, priority, scope = string.match(ARGV[6], '^(%d+) (%d+) (%d+) (%d+)$')
  return { id, value, whole(expires), whole(priority), whole(scope) }
end

-- Takes what nothing holds; the rest becomes debt, so no balance goes below zero.
local function debit(value)
  local taken = math.max(0, math.min(value, w[CASH], total(w) - w[HELD]))
  owing = value - taken
  w[CASH] = w[CASH] - taken
  w[DEBT] = w[DEBT] + owing
  sum = sum - taken
end

-- The payment that it came with is void: it expires now.
local function endLot(id)
  for i = 1, #w[LOTS] do
    if w[LOTS][i][1] == id then
      w[LOTS][i][3] = calendar(now)
    end
  end
  expireLots(wallet, w, now)
end

if cmdSeq <= w[CMDSEQ] then
  return answer('ALREADY')
elseif cmdSeq > w[CMDSEQ] + 1 then
  return answer('GAP')
elseif (kind == 'credit' or kind == 'lot')
  and (total(w) + amount > MILLI_MAX or sum + amount > SUM_MAX) then
  return answer('BILLING_BALANCE_LIMIT')
end
if kind == 'credit' then
  credit(amount)
elseif kind == 'lot' then
  addLot(w, readLot(amount))
  sum = sum + amount
elseif kind == 'end-lot' then
  endLot(readLot(0)[1])
elseif kind == 'debit' then
  debit(amount)
elseif kind == 'freeze' then
  w[FLAGS] = w[FLAGS] - w[FLAGS] % 2 + FROZEN
elseif kind == 'unfreeze' then
  w[FLAGS] = w[FLAGS] - w[FLAGS] % 2
else
  error('FAULT unknown kind')
end
w[CMDSEQ] = cmdSeq
touchWallet(wallet)
if owing == 0 then
  emit('f', wallet, digits(cmdSeq), digits(calendar(now)))
else
  emit('f', wallet, digits(cmdSeq), digits(calendar(now)), digits(owing))
end
commit()
return answer('APPLIED')
