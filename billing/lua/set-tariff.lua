#!lua
-- set-tariff: the price of a room changes: its open sessions go on at the new one from this
-- instant, as a new segment; who has not agreed to pay (free until now, or a ticket is asked) is
-- let go
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- KEYS[3] out  stream  outbox
-- KEYS[4] sess  hash  session → record
-- KEYS[5] due  zset  session by next look
-- KEYS[6] room  zset  open sessions by room
-- KEYS[7] live  hash  room → 1 while its stream is live; `p:room` → `version tariff`
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] timing  `quantum maxGap grace settle` in ms
-- ARGV[3] room  id
-- ARGV[4] tariff  `model price bps free min unit maxMs maxCost`
-- ARGV[5] version  of the room's terms: who opens with older ones gets this tariff; 0 = not kept
-- ARGV[6] after  last member of the page before, empty at first
-- ARGV[7] limit  1…100 sessions per call
-- Returns: { last member or empty when done, then per changed session: session, reason or - when it
--   goes on, wallet, owned, held, version }
-- Writes: live, sess, due, bal, out (c, x), room, meta
-- Cost: O(limit × log sessions), about 15 µs a session
local K = {
  meta = KEYS[1], bal = KEYS[2], out = KEYS[3], sess = KEYS[4], due = KEYS[5],
  room = KEYS[6], live = KEYS[7],
}
local timing = ARGV[2]
-- @include shard
-- @include limits
-- @include lots
-- @include cost
-- @include tariff
-- @include moves
-- @include session
-- @include room-page
local now = readClock(ARGV[1], MAXGAP)
local room, version = ARGV[3], whole(ARGV[5])
local known = tonumber(string.match(redis.call('HGET', K.live, 'p:' .. room) or '', '^%d+') or '0')
if version > 0 and known > version then
  return { '' }
end
local CHAIN_MAX = 4
local fresh = readTariff(ARGV[4])
local ids, nextPage = loadPage(room, ARGV[6], whole(ARGV[7]))

local function isSame(a, b)
  return a[MODEL] == b[MODEL] and a[PRICE] == b[PRICE] and a[MIN] == b[MIN] and a[UNIT] == b[UNIT]
end

-- The instant in billable ms: now, or where the unit that has begun, and is paid, ends.
local function switchAt(last, bill)
  local at = math.max(bill, last[SEGBILL])
  local start = last[SEGBILL] + last[FREE]
  if last[MODEL] ~= STARTED_UNIT or at <= start then
    return at, 0
  end
  return start + math.ceil((at - start) / last[UNIT]) * last[UNIT], 1
end

-- Of the price for a viewer who was in the show before.
local function freshFor(s)
  if not s[USEDMS] then
    return fresh
  end
  return leaveRest(readTariff(ARGV[4]), s[USEDMS], s[USEDCOST])
end

-- What is left of the free time goes on, the minimum counts from the beginning of the show, the
-- payee's share stays.
local function append(s, fresh)
  local last, length = s, 1
  while last[NEXT] do
    last, length = last[NEXT], length + 1
  end
  local at, isPaidUp, cost = last[SEGBILL], last[STATE], last[SEGCOST]
  if length < CHAIN_MAX then
    at, isPaidUp = switchAt(last, s[BILL] + liveSince(s, now))
    cost = costOf(last, at)
  end
  local segment = { [MODEL] = fresh[MODEL], [PRICE] = fresh[PRICE], [BPS] = s[BPS] }
  segment[FREE], segment[MIN] = math.max(0, last[SEGBILL] + last[FREE] - at), fresh[MIN]
  segment[UNIT], segment[STATE] = fresh[UNIT], isPaidUp
  segment[SEGBILL], segment[SEGCOST] = at, cost
  if length < CHAIN_MAX then
    last[NEXT] = segment
  else
    for index, value in pairs(segment) do
      last[index] = value
    end
  end
end

local function lastOf(s)
  while s[NEXT] do
    s = s[NEXT]
  end
  return s
end

-- nil, or why the session cannot go on at the new price.
local function refusal(s, w)
  if lastOf(s)[PRICE] == 0 or fresh[MODEL] == TICKET then
    return 'price_changed'
  end
  if ratePerMinute(fresh) > minuteLimit(w) then
    return 'spend_limit'
  end
  return nil
end

local changed = {}
for i = 1, #ids do
  local sid, s = ids[i], sessions[ids[i]]
  if s and s[STATE] == 1 and s[MODEL] ~= TICKET then
    local w = wallets[s[WALLET]]
    local due = freshFor(s)
    s[MAXMS] = due[MAXMS]
    schedule[sid] = true
    if not isSame(lastOf(s), due) then
      local why = fresh[PRICE] > 0 and refusal(s, w) or nil
      if why then
        advance(s, w, now)
        finish(sid, s, w, now, why)
      else
        append(s, due)
      end
      changed[#changed + 1] = sid
    end
    if s[STATE] == 1 then
      refill(s, w, now)
    end
  end
end
commitSessions(now)
if version > 0 then
  redis.call('HSET', K.live, 'p:' .. room, digits(version) .. ' ' .. ARGV[4])
end
return pageReply(nextPage, changed)
