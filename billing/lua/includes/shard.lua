-- One shard as a small unit of work: read all, compute, then write once. Scripts that include this
-- define K = { meta, bal, out } before. Nothing is written before commit(), whose first command
-- (XADD) is the only one that can be refused, so a script either happens as a whole or not at all.
local MILLI_MAX = 9e12
-- All wallets of a shard together: whole numbers end at 2^53.
local SUM_MAX = 9e15
local DAY_MS = 86400000

-- A whole number within 0 … 9e12 from an argument or a record; anything else is our bug.
local function whole(value)
  local n = tonumber(value)
  if n == nil or n < 0 or n > MILLI_MAX or n % 1 ~= 0 then
    error('FAULT not a whole number within bounds: ' .. type(value))
  end
  return n
end

-- Never tostring: it switches to an exponent at 1e14. %d is exact up to 2^53 and takes half the
-- time of %.0f.
local function digits(n)
  return string.format('%d', n)
end

local meta = K.read
  or redis.call('HMGET', K.meta, 'epoch', 'seq', 'clk', 'sum', 'idemDay', 'off')
if not meta[1] then
  return redis.error_reply('FENCED this shard has not been compared with the ledger')
end
local epoch, seq, clk, sum = whole(meta[1]), whole(meta[2]), whole(meta[3]), tonumber(meta[4])
local offBefore = whole(meta[6] or '0')
local off = offBefore

-- Show time of the shard: the server's time (tests pass their own, above 0), but never backwards.
-- When the server was set back by more than `maxGap`, show time goes on from the last instant seen
-- and is `off` ahead. Less is waited out: a jump forward of that size was charged. Scripts that
-- move no session pass no `maxGap` and decide nothing.
local function readClock(given, maxGap)
  local now = whole(given)
  if now == 0 then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  if now >= clk then
    off = 0
  elseif maxGap and clk - now - off > maxGap then
    off = clk - now
  end
  clk = math.max(clk, now + off)
  return clk
end

-- Show time as the server's clock says it: for days, expiry, and whatever leaves the shard.
local function calendar(now)
  return now - off
end

-- Wallets: { cash, held, debt, flags, cmdSeq, version, lots, limits or nil }, as MessagePack.
local CASH, HELD, DEBT, FLAGS, CMDSEQ, VERSION, LOTS, LIM = 1, 2, 3, 4, 5, 6, 7, 8
local FROZEN = 1
local wallets, dirty = {}, {}

local function unpackWallet(packed)
  if packed then
    return cmsgpack.unpack(packed)
  end
  return { 0, 0, 0, 0, 0, 0, {} }
end

local function loadWallets(ids)
  if #ids == 0 then
    return
  end
  local packed = redis.call('HMGET', K.bal, unpack(ids))
  for i = 1, #ids do
    wallets[ids[i]] = wallets[ids[i]] or unpackWallet(packed[i])
  end
end

local function loadWallet(id)
  loadWallets({ id })
  return wallets[id]
end

local function touchWallet(id)
  dirty[id] = true
end

-- All that the wallet owns, held parts included.
local function total(w)
  local amount = w[CASH]
  for i = 1, #w[LOTS] do
    amount = amount + w[LOTS][i][2]
  end
  return amount
end

-- Outbox: all events of one call are one entry with one dense sequence number.
local events = {}
local function emit(...)
  events[#events + 1] = table.concat({ ... }, ' ')
end

-- `wallet, record` pairs that are packed already.
local newWallets = {}

local function commitWallets()
  local args, n = newWallets, #newWallets
  for id in pairs(dirty) do
    local w = wallets[id]
    w[VERSION] = w[VERSION] + 1
    local owned = total(w)
    if w[HELD] < 0 or w[HELD] > owned or w[CASH] < 0 or owned > MILLI_MAX or w[DEBT] < 0 then
      error('FAULT wallet out of bounds')
    end
    args[n + 1], args[n + 2] = id, cmsgpack.pack(w)
    n = n + 2
  end
  return args
end

-- First the checks, then the outbox, then everything else.
local function commit()
  local args = commitWallets()
  if sum < 0 or sum > SUM_MAX then
    error('FAULT shard sum out of bounds')
  end
  if #events > 0 then
    seq = seq + 1
    local id = digits(epoch) .. '-' .. digits(seq)
    redis.call('XADD', K.out, id, 'e', table.concat(events, '\n'))
  end
  if #args > 0 then
    redis.call('HSET', K.bal, unpack(args))
  end
  redis.call('HSET', K.meta, 'seq', digits(seq), 'clk', digits(clk), 'sum', digits(sum))
  if off ~= offBefore then
    redis.call('HSET', K.meta, 'off', digits(off))
  end
end
