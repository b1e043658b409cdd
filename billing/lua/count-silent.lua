#!lua flags=no-writes
-- count-silent: how many of the sessions that are due have given no proof of life for too long, so
-- that a mass event is seen before the first of them is ended; changes nothing
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] sess  hash  session → record
-- KEYS[3] due  zset  session by next look
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] timing  `quantum maxGap grace settle` in ms
-- ARGV[3] limit  1…200 sessions, oldest first
-- Returns: number of them that are silent
-- Writes: nothing
-- Cost: O(limit), about 4 µs a session
local K = { meta = KEYS[1], sess = KEYS[2], due = KEYS[3] }
-- @include shard
-- @include cost
-- @include tariff
local maxGap = whole(string.match(ARGV[2], '^%d+ (%d+) '))
local now = readClock(ARGV[1], maxGap)
local ids = redis.call('ZRANGEBYSCORE', K.due, '-inf', digits(now), 'LIMIT', 0, whole(ARGV[3]))
local packed = #ids > 0 and redis.call('HMGET', K.sess, unpack(ids)) or {}
local silent = 0
for i = 1, #ids do
  local s = packed[i] and cmsgpack.unpack(packed[i])
  if s and s[STATE] == 1 and (s[EVID] == 0 and s[SAT] or s[EVID]) + maxGap < now then
    silent = silent + 1
  end
end
return silent
