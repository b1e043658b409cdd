#!lua
-- tip-payee: one-shot spend of a viewer for a model; the same key never pays twice
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- KEYS[3] out  stream  outbox
-- KEYS[4] idem:0  hash  commands of even days
-- KEYS[5] idem:1  hash  commands of odd days
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] wallet  id of the viewer
-- ARGV[3] room  id
-- ARGV[4] payee  id of the model
-- ARGV[5] amount  milli-credits 1…9e12
-- ARGV[6] bps  share of the model, 0…10000
-- ARGV[7] tip  id given to a new tip
-- ARGV[8] key  idempotency key
-- ARGV[9] fingerprint  of the request
-- Returns: { status, duplicate 0|1, tip, owned, held, version }
-- Writes: bal, out (t), idem, meta
-- Cost: O(1), about 20 µs
local K = { meta = KEYS[1], bal = KEYS[2], out = KEYS[3], idem0 = KEYS[4], idem1 = KEYS[5] }
-- @include plain-tip
-- @include shard
-- @include limits
-- @include lots
-- @include idem
local now = readClock(ARGV[1])
local wallet, amount = ARGV[2], whole(ARGV[5])
local field = 't:' .. wallet .. ':' .. ARGV[8]
local w = loadWallet(wallet)

local function answer(status, duplicate, tip)
  return { status, duplicate, tip, digits(total(w)), digits(w[HELD]), digits(w[VERSION]) }
end

local known = recall(field, ARGV[9])
if known == KEY_CONFLICT then
  return answer(KEY_CONFLICT, 1, '')
elseif known then
  local status, tip = string.match(known, '^(%S+) (%S+)$')
  return answer(status, 1, tip)
end

local status = 'OK'
if w[FLAGS] % 2 == FROZEN then
  status = 'BILLING_WALLET_FROZEN'
elseif amount > math.min(usable(w, true, now) - w[HELD], usable(w, false, now)) then
  status = 'BILLING_INSUFFICIENT_CREDIT'
elseif w[LIM] and w[LIM][TIPMAX] > 0 and amount > w[LIM][TIPMAX] then
  status = 'BILLING_TIP_LIMIT'
elseif amount > math.min(dayLeft(w, now), minuteLeft(w, now)) then
  status = 'BILLING_SPEND_LIMIT'
end
if status ~= 'OK' then
  commit()
  remember(field, ARGV[9], status .. ' -')
  return answer(status, 0, '-')
end
local used = spend(w, amount, false, now)
countSpend(w, amount, now)
touchWallet(wallet)
emit('t', ARGV[7], ARGV[8], ARGV[9], wallet, ARGV[3], ARGV[4], digits(amount), ARGV[6],
  digits(calendar(now)), used)
commit()
remember(field, ARGV[9], 'OK ' .. ARGV[7])
return answer('OK', 0, ARGV[7])
