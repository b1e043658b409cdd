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
-- Returns: per pair a line `session verdict left reason wallet room owned held version crossed
--   over`: left in ms or -1 (more than a minute), reason or -, crossed 0…2 the warning, over = ms
--   since the end when it was over before, else 0
-- Writes: sess, due, bal, out (c, x), room, meta
-- Cost: O(pairs), about 6 µs a pair
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
-- @include plain
local now = readClock(ARGV[1], MAXGAP)
local ids, owners, uses = {}, {}, {}
for i = 3, #ARGV, 2 do
  ids[#ids + 1] = ARGV[i]
end
local records = redis.call('HMGET', K.sess, unpack(ids))
for i = 1, #ids do
  local owner = records[i] and ownerOf(records[i]) or '-'
  owners[i], uses[owner] = owner, (uses[owner] or 0) + 1
end
local purses = redis.call('HMGET', K.bal, unpack(owners))

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
    return 'ended', -1, 0, math.max(0, now - s[ENDED])
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
    finish(sid, s, w, now, whyOver(s, w, now))
    return 'cut', 0, 0
  end
  settleIfDue(sid, s, now)
  local left = timeLeft(s, w, now)
  local crossed = warn(s, left)
  return s[WARN] > 0 and 'warn' or 'ok', left < FOREVER / 2 and left or -1, crossed
end

-- Two sessions of one wallet see each other's holds.
local function load(i)
  local id, owner = ids[i], owners[i]
  wallets[owner] = wallets[owner] or unpackWallet(purses[i])
  return sessions[id] or addSession(id, records[i])
end

-- Whether the viewer's browser says it, by the sources that a plain session knows.
local IS_WEB = { g = true, h = true, r = false }
local rows = {}
for i = 1, #ids do
  local record, purse, source = records[i], purses[i], ARGV[2 + 2 * i]
  if record then
    local isWeb = IS_WEB[source]
    local isAlone = isWeb ~= nil and purse and uses[owners[i]] == 1
    rows[i] = isAlone and touchPlain(ids[i], record, purse, isWeb, now)
      or { touch(ids[i], load(i), source) }
  else
    rows[i] = ids[i] .. ' unknown -1 - - - 0 0 0 0 0'
  end
end
commitSessions(now)
-- %d is exact up to 2^53 and takes half the time of %.0f.
for i = 1, #ids do
  local row = rows[i]
  if type(row) == 'table' then
    local s, w = sessions[ids[i]], wallets[owners[i]]
    rows[i] = string.format('%s %s %d %s %s %s %d %d %d %d %d', ids[i], row[1], row[2],
      s[REASON], s[WALLET], s[ROOM], total(w), w[HELD], w[VERSION], row[3], row[4] or 0)
  end
end
-- One string: ten for each pair made replies as dear as charging.
return table.concat(rows, '\n')
