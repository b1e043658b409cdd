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
-- ARGV[3] sources  a letter a session; g gateway, h hls, r rtmp, p rtmp play begins, q it ends
-- ARGV[4...] sessions
-- Returns: per session a line. One that goes on for more than a minute: 28 bytes, the record of its
--   wallet, then `wallet room`. Else `wallet room owned held version verdict left reason crossed
--   over`: left in ms or -1 (more than a minute), reason or -, crossed 0…2 the warning, over = ms
--   since the end when it was over before, else 0
-- Writes: sess, due, bal, out (c, x), room, meta
-- Cost: O(sessions), about 6 µs each
local K = {
  meta = KEYS[1], bal = KEYS[2], out = KEYS[3], sess = KEYS[4], due = KEYS[5],
  room = KEYS[6], live = KEYS[7],
}
local timing = ARGV[2]
-- @include shard
-- @include moves
-- @include cost
-- @include plain
local now = readClock(ARGV[1], MAXGAP)
local ids, sources = { unpack(ARGV, 4) }, { string.byte(ARGV[3], 1, -1) }
-- Whether the viewer's browser says it, by the sources that a plain session knows: g, h and r.
local IS_WEB = { [103] = true, [104] = true, [114] = false }
local PLAY_BEGINS, PLAY_ENDS = 112, 113
local records = redis.call('HMGET', K.sess, unpack(ids))
local owners, hasMore = {}, {}
local unpackOne = cmsgpack.unpack_one
for i = 1, #ids do
  local record, _, owner = records[i], nil, '-'
  if record then
    -- Three bytes for an array of 16 or more, then the wallet.
    _, owner = unpackOne(record, 3)
  end
  owners[i], hasMore[owner] = owner, hasMore[owner] ~= nil
end
local purses = redis.call('HMGET', K.bal, unpack(owners))

-- Nobody's and nowhere.
local UNKNOWN = '  0 0 0 unknown -1 - 0 0'
-- Lines of the reply, and the numbers of the sessions that are not plain.
local rows, odd = {}, {}
for i = 1, #ids do
  local record, purse, isWeb, row = records[i], purses[i], IS_WEB[sources[i]], nil
  if not record then
    row = UNKNOWN
  elseif purse and isWeb ~= nil and not hasMore[owners[i]] then
    row = touchPlain(ids[i], record, purse, isWeb, now)
  end
  if not row then
    odd[#odd + 1] = i
  end
  rows[i] = row or ''
end
if #odd == 0 then
  commitMoves()
else
  -- Made when it is needed, which is seldom: to make so many functions takes as long as some proofs
  -- of life.
  local function touchByTheRules()
-- @include limits
-- @include lots
-- @include tariff
-- @include session
-- @include proof
  end
  touchByTheRules()
end
-- One string: ten for each session made replies as dear as charging.
return table.concat(rows, '\n')
