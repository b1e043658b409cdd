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
-- Returns: per pair { session, verdict, ms left or -1, reason or -, wallet, room, owned, held,
--   version,
--   warning crossed 0…2 } one after the other
-- Writes: sess, due, bal, out (c, x), room, meta
-- Cost: O(pairs), about 8 µs a pair
local K = {
  meta = KEYS[1], bal = KEYS[2], out = KEYS[3], sess = KEYS[4], due = KEYS[5],
  room = KEYS[6], live = KEYS[7],
}
local timing = ARGV[2]
-- @include shard
-- @include lots
-- @include tariff
-- @include session
local now = readClock(ARGV[1])
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

local function touch(sid, s, source)
  if s[STATE] == 0 then
    return 'ended', -1, 0
  end
  local w = wallets[s[WALLET]]
  schedule[sid] = true
  note(s, source)
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
    finish(sid, s, w, now, whyOver(s))
    return 'cut', 0, 0
  end
  settleIfDue(sid, s, now)
  local left = timeLeft(s, w, now)
  local crossed = warn(s, left)
  return s[WARN] > 0 and 'warn' or 'ok', left < FOREVER / 2 and left or -1, crossed
end

local reply, n = {}, 0
local rows = {}
for i = 1, #ids do
  local s = sessions[ids[i]]
  if s then
    rows[i] = { touch(ids[i], s, ARGV[2 + 2 * i]) }
  end
end
commitSessions(now)
for i = 1, #ids do
  local s, row = sessions[ids[i]], rows[i]
  if s then
    local w = wallets[s[WALLET]]
    reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = ids[i], row[1], digits(row[2]), s[REASON]
    reply[n + 5], reply[n + 6], reply[n + 7] = s[WALLET], s[ROOM], digits(total(w))
    reply[n + 8], reply[n + 9], reply[n + 10] = digits(w[HELD]), digits(w[VERSION]), digits(row[3])
  else
    reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = ids[i], 'unknown', '-1', '-'
    reply[n + 5], reply[n + 6], reply[n + 7] = '', '', '0'
    reply[n + 8], reply[n + 9], reply[n + 10] = '0', '0', '0'
  end
  n = n + 10
end
return reply
