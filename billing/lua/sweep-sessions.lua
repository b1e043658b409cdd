#!lua flags=allow-oom
-- sweep-sessions: looks at the sessions of a shard that are due, oldest first: cut, stale, settle,
-- repeat; a full Redis does not refuse it, for whoever cannot pay must not go on
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- KEYS[3] out  stream  outbox
-- KEYS[4] sess  hash  session → record
-- KEYS[5] due  zset  session by next look
-- KEYS[6] room  zset  open sessions by room
-- KEYS[7] ticket  zset  last visits to shows that go on
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] timing  `quantum maxGap grace settle` in ms
-- ARGV[3] limit  1…100 sessions per call
-- ARGV[4] mode  0 normal; 1 suspended by the breaker: only settle; 2 after an outage of ours: spare
--   the
--   silent, cut the rest
-- Returns: { sessions looked at, sessions found silent, then per session that needs a notice:
--   session,
--   cut|repeat, reason, wallet, room, owned, held, version }
-- Writes: sess, due, bal, out (c, x), room, ticket, meta
-- Cost: O(limit × log sessions), about 10 µs a session
local K = {
  meta = KEYS[1], bal = KEYS[2], out = KEYS[3], sess = KEYS[4], due = KEYS[5], room = KEYS[6],
  ticket = KEYS[7],
}
local timing = ARGV[2]
-- @include shard
-- @include limits
-- @include lots
-- @include cost
-- @include tariff
-- @include moves
-- @include session
local now = readClock(ARGV[1], MAXGAP)
local isSuspended, isSparing = ARGV[4] == '1', ARGV[4] ~= '0'
local ids = redis.call('ZRANGEBYSCORE', K.due, '-inf', digits(now), 'LIMIT', 0, whole(ARGV[3]))
loadSessions(ids)
local notices, forgotten, voided, silent = {}, {}, {}, 0

local function notice(sid, kind)
  notices[#notices + 1] = { sid, kind }
end

local function sweepEnded(sid, s)
  if s[CUTS] < CUTS_MAX then
    s[CUTS] = s[CUTS] + 1
    notice(sid, 'repeat')
  elseif now >= s[ENDED] + TOMBSTONE_MS then
    forgotten[#forgotten + 1] = sid
    voided[#voided + 1] = s[ROOM] .. '|' .. s[WALLET] .. '|' .. sid
    return
  end
  schedule[sid] = true
end

local function sweepActive(sid, s, w)
  schedule[sid] = true
  -- Not at the very end of the gap: that long still counts as presence.
  local isStale = now > (s[EVID] == 0 and s[SAT] or s[EVID]) + MAXGAP
  if isStale then
    silent = silent + 1
  end
  if isStale and isSparing then
    -- The silence is ours: the evidence moves on, the time in between costs nothing.
    writtenOff = writtenOff + liveSince(s, now)
    s[EVID], s[SKIP] = now, 0
    settleIfDue(sid, s, now)
    return
  end
  if isSuspended then
    settleIfDue(sid, s, now)
    notBefore[sid] = now + 1000
    return
  end
  if isStale then
    advance(s, w, now)
    finish(sid, s, w, now, 'stale')
    notice(sid, 'cut')
    return
  end
  if isOver(s, now) then
    refill(s, w, now)
    if isOver(s, now) then
      advance(s, w, now)
      finish(sid, s, w, now, whyOver(s, w, now))
      notice(sid, 'cut')
      return
    end
  end
  settleIfDue(sid, s, now)
end

for i = 1, #ids do
  local sid = ids[i]
  local s = sessions[sid]
  if not s then
    forgotten[#forgotten + 1] = sid
  elseif s[STATE] == 0 then
    sweepEnded(sid, s)
  else
    sweepActive(sid, s, wallets[s[WALLET]])
  end
end
if #ids > 0 or off ~= offBefore then
  commitSessions(now)
end
if #forgotten > 0 then
  redis.call('HDEL', K.sess, unpack(forgotten))
  redis.call('ZREM', K.due, unpack(forgotten))
end
if #voided > 0 then
  redis.call('ZREM', K.ticket, unpack(voided))
end
local reply = { digits(#ids), digits(silent) }
for i = 1, #notices do
  local sid = notices[i][1]
  local s = sessions[sid]
  local w = wallets[s[WALLET]]
  local row = {
    sid, notices[i][2], s[REASON], s[WALLET], s[ROOM], digits(total(w)), digits(w[HELD]),
    digits(w[VERSION]),
  }
  for at = 1, #row do
    reply[#reply + 1] = row[at]
  end
end
return reply
