#!lua
-- set-room: tells a shard that the stream of a room is live, down, or that its show has ended
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- KEYS[3] out  stream  outbox
-- KEYS[4] sess  hash  session → record
-- KEYS[5] due  zset  session by next look
-- KEYS[6] room  zset  open sessions by room
-- KEYS[7] live  hash  room → 1 while its stream is live; `p:room` → `version tariff`
-- KEYS[8] ticket  zset  last visits to shows that go on
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] timing  `quantum maxGap grace settle` in ms
-- ARGV[3] room  id
-- ARGV[4] state  live, down (no charge from `since` on) or ended (sessions end)
-- ARGV[5] since  ms, 0 = now
-- ARGV[6] reason  of the ends, when ended
-- ARGV[7] after  last member of the page before, empty at first
-- ARGV[8] limit  1…100 sessions per call
-- Returns: { last member or empty when done, then per ended session: session, reason, wallet,
--   owned, held, version }
-- Writes: live, ticket, sess, due, bal, out (c, x), room, meta
-- Cost: O(limit × log sessions), about 10 µs a session
local K = {
  meta = KEYS[1], bal = KEYS[2], out = KEYS[3], sess = KEYS[4], due = KEYS[5],
  room = KEYS[6], live = KEYS[7], ticket = KEYS[8],
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
local room, state, since = ARGV[3], ARGV[4], whole(ARGV[5])
since = since == 0 and now or math.min(since + off, now)
local ids, nextPage = loadPage(room, ARGV[7], whole(ARGV[8]))

local function pause(s)
  if s[STOP] == 0 and s[EVID] > 0 then
    s[STOP] = math.max(since, s[EVID])
  end
end

local function resume(s)
  if s[STOP] > 0 and s[EVID] > 0 then
    s[SKIP] = s[SKIP] + now - math.max(s[STOP], s[EVID])
    s[STOP] = 0
  end
end

local ended = {}
for i = 1, #ids do
  local sid = ids[i]
  local s = sessions[sid]
  if s and s[STATE] == 1 then
    schedule[sid] = true
    local w = wallets[s[WALLET]]
    if state == 'live' then
      resume(s)
    else
      pause(s)
    end
    if state == 'ended' then
      advance(s, w, now)
      finish(sid, s, w, now, ARGV[6])
      ended[#ended + 1] = sid
    end
  end
end
commitSessions(now)
if state == 'live' then
  redis.call('HSET', K.live, room, 1)
else
  redis.call('HDEL', K.live, room)
end
if state == 'ended' then
  redis.call('HDEL', K.live, 'p:' .. room)
  redis.call('ZREMRANGEBYLEX', K.ticket, '[' .. room .. '|', '[' .. room .. '|~')
end
return pageReply(nextPage, ended)
