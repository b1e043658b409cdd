#!lua
-- touch-sessions: proofs of life of up to 100 sessions of one shard; charges what has become due
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- KEYS[3] out  stream  outbox
-- KEYS[4] sess  hash  session → record
-- KEYS[5] due  zset  session by next look
-- KEYS[6] room  zset  open sessions by room
-- KEYS[7] live  hash  room → 1 while its stream is live
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] timing  `quantum maxGap grace settle` in ms
-- ARGV[3...] session, source  pairs; g gateway, h hls, r rtmp, p rtmp play begins, q rtmp play ends
-- Returns: per pair `session verdict left reason wallet room owned held version crossed over`: left
--   in ms or -1 (more than a minute), reason or -, crossed 0…2 the warning, over = ms since the end
--   when it was over before, else 0
-- Writes: sess, due, bal, out (c, x), room, meta
-- Cost: O(pairs), about 8 µs a pair
local K = {
  meta = KEYS[1], bal = KEYS[2], out = KEYS[3], sess = KEYS[4], due = KEYS[5],
  room = KEYS[6], live = KEYS[7],
}
local timing = ARGV[2]
-- @include shard
-- @include limits
-- @include lots
-- @include tariff
-- @include session
local now = readClock(ARGV[1], MAXGAP)
local ids = {}
for i = 3, #ARGV, 2 do
  ids[#ids + 1] = ARGV[i]
end
loadSessions(ids)

local function note(s, source)
  if s[EVID] == 0 and not redis.call('HGET', K.live, s[ROOM]) then
    s[STOP] = now
  end
  if source == 'g' or source == 'h' then
    s[WEB] = now
  elseif source == 'p' then
    s[PLAYS] = s[PLAYS] + 1
  elseif source == 'q' then
    s[PLAYS] = math.max(0, s[PLAYS] - 1)
  end
end

-- The viewer's last RTMP play ended and no socket or playlist request vouches for the viewer.
local function hasLeft(s, source)
  return source == 'q' and s[PLAYS] == 0 and now - s[WEB] > MAXGAP
end

-- advance(), refill(), timeLeft() and warn() in one for the session that nothing will end within a
-- minute, nearly every one: half the time of the four. False, and nothing done, for all others.
local FAR = math.max(QUANTUM, WARN_1_MS) + 1
local function touchPlain(s, w)
  local since = s[EVID]
  if since == 0 or now - since > MAXGAP or s[GBILL] >= 0 or s[MAXMS] > 0 or s[MAXCOST] > 0
    or s[NEXT] or w[FLAGS] > 0 or w[LIM] or #w[LOTS] > 0 then
    return false
  end
  local bill = s[BILL] + liveSince(s, now)
  local charged, held = s[CHARGED], s[HOLD]
  if costOf(s, bill + FAR) > charged + held + w[CASH] - w[HELD] then
    return false
  end
  local cost = costOf(s, bill)
  local hold = costOf(s, bill + QUANTUM) - cost
  s[BILL], s[CHARGED], s[HOLD], s[EVID], s[SKIP], s[WARN] = bill, cost, hold, now, 0, 0
  if s[STOP] > 0 then
    s[STOP] = now
  end
  if cost ~= charged or hold ~= held then
    w[CASH] = w[CASH] - (cost - charged)
    w[HELD] = w[HELD] + hold - held
    sum = sum - (cost - charged)
    dirty[s[WALLET]] = true
  end
  return true
end

local function touch(sid, s, source)
  if s[STATE] == 0 then
    return 'ended', -1, 0, math.max(0, now - s[ENDED])
  end
  local w = wallets[s[WALLET]]
  schedule[sid] = true
  note(s, source)
  if source ~= 'q' and touchPlain(s, w) then
    settleIfDue(sid, s, now)
    return 'ok', -1, 0
  end
  advance(s, w, now)
  if w[FLAGS] % 2 == FROZEN then
    finish(sid, s, w, now, 'frozen')
    return 'cut', 0, 0
  end
  if hasLeft(s, source) then
    finish(sid, s, w, now, 'left')
    return 'ended', -1, 0
  end
  refill(s, w, now)
  if isOver(s, now) then
    finish(sid, s, w, now, whyOver(s, w, now))
    return 'cut', 0, 0
  end
  settleIfDue(sid, s, now)
  local left = timeLeft(s, w, now)
  local crossed = warn(s, left)
  return s[WARN] > 0 and 'warn' or 'ok', left < FOREVER / 2 and left or -1, crossed
end

local rows = {}
for i = 1, #ids do
  local s = sessions[ids[i]]
  if s then
    rows[i] = { touch(ids[i], s, ARGV[2 + 2 * i]) }
  end
end
commitSessions(now)
-- One string per row: ten each made replies as dear as charging. %d is exact up to 2^53 and takes
-- half the time of %.0f.
for i = 1, #ids do
  local s, row = sessions[ids[i]], rows[i]
  if s then
    local w = wallets[s[WALLET]]
    rows[i] = string.format('%s %s %d %s %s %s %d %d %d %d %d', ids[i], row[1], row[2],
      s[REASON], s[WALLET], s[ROOM], total(w), w[HELD], w[VERSION], row[3], row[4] or 0)
  else
    rows[i] = ids[i] .. ' unknown -1 - - - 0 0 0 0 0'
  end
end
return rows
