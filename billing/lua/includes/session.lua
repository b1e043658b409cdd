-- The life of a session between two instants: accrue, charge, hold, settle, end. Needs shard.lua,
-- moves.lua, limits.lua, lots.lua and tariff.lua. Called by every script that moves a session.
local WARN_2_MS = 20000
local TOMBSTONE_MS = 86400000
local CUTS_MAX = 5
local sessions, schedule, notBefore, gone, idOf = {}, {}, {}, {}, {}
-- Ms of shows that nobody proved and nobody pays.
local writtenOff = 0

local function addSession(id, packed)
  local s = cmsgpack.unpack(packed)
  sessions[id], idOf[s] = s, id
  return s
end

local function loadSessions(ids)
  if #ids == 0 then
    return
  end
  local packed = redis.call('HMGET', K.sess, unpack(ids))
  local owners = {}
  for i = 1, #ids do
    if packed[i] and not sessions[ids[i]] then
      owners[#owners + 1] = addSession(ids[i], packed[i])[WALLET]
    end
  end
  loadWallets(owners)
end

-- Ms since the last evidence during which the stream was live.
local function liveSince(s, now)
  if s[EVID] == 0 then
    return 0
  end
  local stopped = s[STOP] > 0 and now - s[STOP] or 0
  return math.max(0, now - s[EVID] - s[SKIP] - stopped)
end

local function charge(s, w, now, cost)
  local delta = cost - s[CHARGED]
  if delta < 0 then
    error('FAULT cost shrank')
  end
  if delta == 0 then
    return
  end
  local held = math.min(delta, s[HOLD])
  s[HOLD] = s[HOLD] - held
  w[HELD] = w[HELD] - held
  local used = spend(w, delta, true, now)
  if used ~= '-' then
    s[LOTUSE] = s[LOTUSE] == '-' and used or s[LOTUSE] .. ',' .. used
  end
  s[CHARGED] = s[CHARGED] + delta
  countSpend(w, delta, now)
  touchWallet(s[WALLET])
end

-- The most that the session may cost in all, given what its viewer has.
local function means(s, w, now)
  local limit = math.max(s[CHARGED], s[CHARGED] + s[HOLD] + free(w, now))
  if s[MAXCOST] > 0 then
    limit = math.min(limit, s[MAXCOST])
  end
  return limit
end

-- Whether nothing stops the session before `bill` ms, which cost `cost`: what billMax() would say,
-- without the inverse of the tariff.
local function canReach(s, bill, cost, limit)
  return cost <= limit and (s[MAXMS] == 0 or bill <= s[MAXMS])
end

local function billMax(s, limit)
  local bill = billWithin(s, limit)
  if s[MAXMS] > 0 then
    bill = math.min(bill, s[MAXMS])
  end
  return math.max(bill, s[BILL])
end

local function settle(sid, s, now)
  if s[CHARGED] > s[SCOST] or s[BILL] > s[SBILL] then
    emitCharge(sid, s[SBILL], s[BILL], s[SCOST], s[CHARGED], now, s[LOTUSE])
    s[SCOST], s[SBILL], s[LOTUSE] = s[CHARGED], s[BILL], '-'
  end
  s[SAT] = now
end

-- Past the instant of a price change: what came before is charged and settled, the rest costs the
-- new price.
local function nextSegment(s, w, now)
  local after = s[NEXT]
  s[BILL] = after[SEGBILL]
  charge(s, w, now, after[SEGCOST])
  settle(idOf[s], s, now)
  for index, value in pairs(after) do
    if index ~= STATE then
      s[index] = value
    end
  end
  s[NEXT] = after[NEXT] or (s[USEDMS] and false)
  emit('p', idOf[s], tariffText(s), digits(s[SEGBILL]), digits(s[SEGCOST]),
    digits(calendar(now)))
end

-- The instant of a price change is past now, though less time was counted than had passed then: the
-- last of the prices begins here. Not before a unit that was paid has ended.
local function catchUp(s)
  local after = s[NEXT]
  if not after or after[STATE] == 1 or after[SEGBILL] <= s[BILL] then
    return
  end
  while after[NEXT] do
    after = after[NEXT]
  end
  after[FREE] = math.max(0, s[SEGBILL] + s[FREE] - s[BILL])
  after[SEGBILL], after[SEGCOST] = s[BILL], s[CHARGED]
  s[NEXT] = after
end

-- Counts the time since the last evidence (a gap at most with GRACE) and debits what it costs.
local function advance(s, w, now)
  local gap = s[EVID] == 0 and 0 or now - s[EVID]
  local counted = gap <= MAXGAP and gap or GRACE
  local live = liveSince(s, now)
  writtenOff = writtenOff + math.max(0, live - counted)
  local bill = s[BILL] + math.min(counted, live)
  if s[GBILL] >= 0 then
    bill = math.min(bill, s[GBILL])
  end
  local limit = means(s, w, now)
  local cost = costOf(s, bill)
  if not canReach(s, bill, cost, limit) then
    bill = math.min(bill, billMax(s, limit))
    cost = costOf(s, bill)
  end
  while s[NEXT] and bill > s[NEXT][SEGBILL] do
    nextSegment(s, w, now)
  end
  s[BILL] = bill
  s[EVID] = now
  s[SKIP] = 0
  if s[STOP] > 0 then
    s[STOP] = now
  end
  charge(s, w, now, cost)
  catchUp(s)
end

-- Brings the hold to one quantum beyond the time not yet counted. A partial hold fixes the exact
-- end.
local function refill(s, w, now)
  local ahead = s[BILL] + liveSince(s, now) + QUANTUM
  local cost = costOf(s, ahead)
  local want = s[MAXCOST] > 0 and math.min(cost, s[MAXCOST]) or cost
  local change = math.min(math.max(0, want - s[CHARGED]) - s[HOLD], free(w, now))
  change = math.max(change, -s[HOLD])
  if change ~= 0 then
    s[HOLD] = s[HOLD] + change
    w[HELD] = w[HELD] + change
    touchWallet(s[WALLET])
  end
  if canReach(s, ahead, cost, s[CHARGED] + s[HOLD]) then
    s[GBILL] = -1
    return
  end
  local bill = billMax(s, s[CHARGED] + s[HOLD])
  s[GBILL] = bill < ahead and bill or -1
end

local function isOver(s, now)
  return s[GBILL] >= 0 and s[BILL] + liveSince(s, now) >= s[GBILL]
end

local function whyOver(s, w, now)
  if s[MAXMS] > 0 and s[BILL] >= s[MAXMS] then
    return 'time_limit'
  end
  if s[MAXCOST] > 0 and billWithin(s, s[MAXCOST]) <= s[BILL] then
    return 'spend_limit'
  end
  if dayLeft(w, now) < usable(w, true, now) - w[HELD] then
    return 'spend_limit'
  end
  return 'insufficient_credit'
end

local function settleIfDue(sid, s, now)
  if now - s[SAT] >= SETTLE then
    settle(sid, s, now)
  end
end

-- After advance(): releases the hold, settles, leaves a tombstone. `left` needs no notice to
-- anybody.
local function finish(sid, s, w, now, reason)
  if s[HOLD] > 0 then
    w[HELD] = w[HELD] - s[HOLD]
    s[HOLD] = 0
    touchWallet(s[WALLET])
  end
  settle(sid, s, now)
  s[STATE], s[ENDED], s[REASON], s[GBILL] = 0, now, reason, -1
  s[CUTS] = reason == 'left' and CUTS_MAX or 0
  emit('x', sid, reason, digits(calendar(now)), digits(s[BILL]), digits(s[CHARGED]))
  gone[#gone + 1] = s[ROOM] .. '|' .. s[WALLET] .. '|' .. sid
end

-- When the sweeper must look at the session again.
local function dueAt(s, now)
  if s[STATE] == 0 then
    if s[CUTS] < CUTS_MAX then
      return now + 1000 * 2 ^ s[CUTS]
    end
    return s[ENDED] + TOMBSTONE_MS
  end
  local due = (s[EVID] == 0 and s[SAT] or s[EVID]) + MAXGAP + 1
  if s[GBILL] >= 0 and s[EVID] > 0 then
    local over = s[EVID] + s[SKIP] + s[GBILL] - s[BILL]
    if s[STOP] == 0 or over <= s[STOP] then
      due = math.min(due, over)
    end
  end
  if s[CHARGED] > s[SCOST] then
    due = math.min(due, s[SAT] + SETTLE)
  end
  return due
end

-- Ms until the viewer's credit (or a limit) ends the show; FOREVER when that is not near.
local function timeLeft(s, w, now)
  local limit = means(s, w, now)
  local ahead = s[BILL] + liveSince(s, now)
  local far = ahead + WARN_1_MS + 1
  if canReach(s, far, costOf(s, far), limit) then
    return FOREVER
  end
  return billMax(s, limit) - ahead
end

-- 0 … 2: the warning whose threshold was crossed downwards just now; rising above re-arms it.
local function warn(s, left)
  local level = left <= WARN_2_MS and 2 or (left <= WARN_1_MS and 1 or 0)
  local crossed = level > s[WARN] and level or 0
  s[WARN] = level
  return crossed
end

-- A due time that only moves on may stay where it is: the sweeper then looks once in vain and sets
-- it anew. Most touches so write no due time at all.
local function reschedule(sid, s, now)
  local due = math.max(dueAt(s, now), notBefore[sid] or 0)
  if s[STATE] == 1 then
    if s[DUE] > now and s[DUE] <= due then
      return
    end
    s[DUE] = due
  end
  newDues[#newDues + 1] = digits(due)
  newDues[#newDues + 1] = sid
end

local function commitSessions(now)
  local n = #newRecords
  for sid in pairs(schedule) do
    local s = sessions[sid]
    reschedule(sid, s, now)
    newRecords[n + 1], newRecords[n + 2] = sid, cmsgpack.pack(s)
    n = n + 2
  end
  commitMoves()
  if writtenOff > 0 then
    redis.call('HINCRBY', K.meta, 'writtenOff', digits(writtenOff))
  end
  if #gone > 0 then
    redis.call('ZREM', K.room, unpack(gone))
  end
end
