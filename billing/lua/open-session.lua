#!lua
-- open-session: opens a paid session, or joins the one that the viewer has in the room already
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- KEYS[3] out  stream  outbox
-- KEYS[4] sess  hash  session → record
-- KEYS[5] due  zset  session by next look
-- KEYS[6] room  zset  `room|wallet|session`, open sessions in lexical order
-- KEYS[7] live  hash  room → 1 while its stream is live; `p:room` → `version tariff`
-- KEYS[8] idem:0  hash  commands of even days
-- KEYS[9] idem:1  hash  commands of odd days
-- KEYS[10] ticket  zset  `room|wallet|session`, last visits to shows that go on
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] timing  `quantum maxGap grace settle` in ms
-- ARGV[3] session  26 characters
-- ARGV[4] wallet  id of the viewer
-- ARGV[5] room  id
-- ARGV[6] payee  id of the model
-- ARGV[7] tariff  `model price bps free min unit maxMs maxCost`
-- ARGV[8] entry  ms that the viewer must be able to pay for
-- ARGV[9] key  idempotency key
-- ARGV[10] fingerprint  of the request
-- ARGV[11] version  of the terms that the tariff is from
-- Returns: { status, duplicate 0|1, session, price, owned, held, version, granted until ms, bill ms
--   }
-- Writes: sess, due, room, ticket, bal (hold), out (o), idem, meta
-- Cost: O(log sessions), about 40 µs
local K = {
  meta = KEYS[1], bal = KEYS[2], out = KEYS[3], sess = KEYS[4], due = KEYS[5],
  room = KEYS[6], live = KEYS[7], idem0 = KEYS[8], idem1 = KEYS[9],
  ticket = KEYS[10],
}
local timing = ARGV[2]
-- @include shard
-- @include limits
-- @include lots
-- @include cost
-- @include tariff
-- @include moves
-- @include session
-- @include idem
local now = readClock(ARGV[1], MAXGAP)
local wallet, room = ARGV[4], ARGV[5]
local field = 'o:' .. wallet .. ':' .. ARGV[9]
local w = loadWallet(wallet)

local function answer(status, duplicate, sid)
  local s = sid and sessions[sid]
  local granted = 0
  if s and s[STATE] == 1 then
    granted = calendar(now) + (s[GBILL] >= 0 and math.max(0, s[GBILL] - s[BILL] - liveSince(s, now)) or QUANTUM)
  end
  return {
    status, duplicate, sid or '', s and digits(s[PRICE]) or '0', digits(total(w)),
    digits(w[HELD]), digits(w[VERSION]), digits(granted), s and digits(s[BILL]) or '0',
  }
end

-- The price may have changed since our caller read it: what the shard was told last decides.
local function tariffNow(told)
  local version, text = string.match(told or '', '^(%d+) (.*)$')
  return readTariff(version and tonumber(version) > whole(ARGV[11]) and text or ARGV[7])
end

-- The end of a show forgets its visits: one that is found was to this show.
local prefix = '[' .. room .. '|' .. wallet .. '|'
local function lastVisit()
  local found = redis.call('ZREVRANGEBYLEX', K.ticket, prefix .. '~', prefix, 'LIMIT', 0, 1)[1]
  if not found then
    return nil
  end
  local sid = string.sub(found, #prefix)
  loadSessions({ sid })
  return sessions[sid]
end

-- A ticket lets its viewer in again who left or was silent for too long, for the rest of its time.
local function ticketInHand(s)
  if not s or s[MODEL] ~= TICKET or (s[REASON] ~= 'left' and s[REASON] ~= 'stale') then
    return nil
  end
  local left = s[MAXMS] > 0 and s[MAXMS] - s[BILL] or 0
  if s[MAXMS] > 0 and left <= 0 then
    return nil
  end
  return {
    [MODEL] = TICKET, [PRICE] = 0, [BPS] = s[BPS], [FREE] = 0, [MIN] = 0, [UNIT] = s[UNIT],
    [MAXMS] = left, [MAXCOST] = 0,
  }
end

-- Grace, least charge and limits are for the whole show, however often its viewer leaves and comes
-- back; what is paid for and not used goes on, as after a change of the price.
local function goOn(t, before, usedMs, usedCost)
  local from = paidUntil(before)
  if from < FOREVER then
    t[FREE] = math.max(0, from - before[BILL])
  end
  return leaveRest(t, usedMs, usedCost)
end

local function newSession(ticket, before)
  local state = redis.call('HMGET', K.live, room, 'p:' .. room)
  local t, stop = ticket or tariffNow(state[2]), state[1] and 0 or now
  local perShow = not ticket and w[LIM] and w[LIM][PERSHOW] or 0
  if perShow > 0 and (t[MAXCOST] == 0 or perShow < t[MAXCOST]) then
    t[MAXCOST] = perShow
  end
  local usedMs, usedCost = 0, 0
  if before then
    usedMs = (before[USEDMS] or 0) + before[BILL]
    usedCost = (before[USEDCOST] or 0) + before[CHARGED]
  end
  local isUsedUp = not ticket and t[MODEL] ~= TICKET and t[MAXMS] > 0 and usedMs >= t[MAXMS]
  if before and not ticket then
    goOn(t, before, usedMs, usedCost)
  end
  local s = {
    wallet, room, ARGV[6], t[MODEL], t[PRICE], t[BPS], t[FREE], t[MIN], t[UNIT], t[MAXMS],
    t[MAXCOST], calendar(now), 1, now, 0, 0, 0, -1, 0, stop, 0, 0, 0, now, now, 0, '-', 0, 0, 0, 0, '-',
  }
  if usedMs > 0 or usedCost > 0 then
    s[NEXT], s[USEDMS], s[USEDCOST] = false, usedMs, usedCost
  end
  return s, isUsedUp
end

-- nil when the viewer may enter for what that costs at once.
local function refusal(s, ticket, isUsedUp)
  local entry = math.max(costOf(s, whole(ARGV[8])), s[MIN])
  if w[FLAGS] % 2 == FROZEN then
    return 'BILLING_WALLET_FROZEN'
  elseif ticket then
    return nil
  elseif isUsedUp then
    return 'BILLING_TIME_LIMIT'
  elseif usable(w, true, now) - w[HELD] < entry then
    return 'BILLING_INSUFFICIENT_CREDIT'
  elseif entry > dayLeft(w, now) or ratePerMinute(s) > minuteLimit(w)
    or (s[MAXCOST] > 0 and entry > s[MAXCOST]) then
    return 'BILLING_SPEND_LIMIT'
  end
  return nil
end

local known = recall(field, ARGV[10])
if known == KEY_CONFLICT then
  return answer(KEY_CONFLICT, 1)
elseif known then
  local status, sid = string.match(known, '^(%S+) (%S+)$')
  if status == 'OK' then
    loadSessions({ sid })
  end
  return answer(status, 1, status == 'OK' and sid or nil)
end

local open = redis.call('ZRANGEBYLEX', K.room, prefix, prefix .. '~', 'LIMIT', 0, 1)
if open[1] then
  local sid = string.sub(open[1], #prefix)
  loadSessions({ sid })
  commit()
  remember(field, ARGV[10], 'OK ' .. sid)
  return answer('OK', 1, sid)
end

local before = lastVisit()
local ticket = ticketInHand(before)
local s, isUsedUp = newSession(ticket, before)
local status = refusal(s, ticket, isUsedUp)
if status then
  commit()
  remember(field, ARGV[10], status .. ' -')
  return answer(status, 0)
end

local sid = ARGV[3]
sessions[sid], schedule[sid] = s, true
emit('o', sid, wallet, room, ARGV[6], tariffText(s), digits(calendar(now)))
charge(s, w, now, costOf(s, 0))
refill(s, w, now)
commitSessions(now)
local member = room .. '|' .. wallet .. '|' .. sid
redis.call('ZADD', K.room, 0, member)
redis.call('ZREMRANGEBYLEX', K.ticket, prefix, prefix .. '~')
redis.call('ZADD', K.ticket, 0, member)
remember(field, ARGV[10], 'OK ' .. sid)
return answer('OK', 0, sid)
