-- beat-member: renews a member's lease, removes members whose lease has ended and tells who is
-- there. One step, so that everybody who sees a version sees the same members under it.
-- KEYS[1] leases   zset  "<role>/<id>", score = end of the lease (ms)
-- KEYS[2] records  hash  "<role>/<id>" -> "<incarnation> <record>"
-- KEYS[3] loads    hash  "<role>/<id>" -> load
-- KEYS[4] state    hash  version, incarnation (the last one given), beatAt (ms of the last beat of
--   anyone)
-- ARGV[1] member       "<role>/<id>", '' = only look
-- ARGV[2] incarnation  0 = give a new one
-- ARGV[3] record       JSON; a change of it changes the version
-- ARGV[4] load         0...
-- ARGV[5] lease ttl    ms, 1...
-- ARGV[6] known        version that the caller has, 0 = none
-- ARGV[7] now          ms, 0 = the server's clock
-- Returns: { 'ok', version, incarnation, now, has changed 0|1, { member, end, ... },
--          { member, load, ... }, { member, record, ... } or {} when the caller knows it }
--          { 'superseded', incarnation of the other } when a newer process has this role and id
--          { 'lost' } when the caller knows a version and Redis knows none; nothing is written
-- Writes: all keys
-- Cost: O(members)
-- @include members
local leases, records, loads, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local member, incarnation, record = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local ttl, known = tonumber(ARGV[5]), tonumber(ARGV[6])
local now = clockMs(ARGV[7])

local stored = redis.call('HMGET', state, 'version', 'incarnation', 'beatAt')
if not stored[1] and known > 0 then
  return { 'lost' }
end
local before = member ~= '' and redis.call('HGET', records, member)
local other = before and tonumber(string.match(before, '^%d+'))
if other and incarnation > 0 and other > incarnation then
  return { 'superseded', whole(other) }
end

-- Nobody was heard for half a lease although the caller lived: Redis was away, not the members.
local changes = 0
local beatAt = tonumber(stored[3])
if known > 0 and beatAt and now - beatAt > ttl / 2 then
  for _, one in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
    redis.call('ZADD', leases, 'GT', whole(now + ttl), one)
  end
else
  changes = sweep(leases, records, loads, now)
end

if member ~= '' then
  if incarnation == 0 then
    incarnation = nextNumber(stored[2], now)
    redis.call('HSET', state, 'incarnation', whole(incarnation))
  end
  local value = whole(incarnation) .. ' ' .. record
  if redis.call('HGET', records, member) ~= value then
    redis.call('HSET', records, member, value)
    changes = changes + 1
  end
  redis.call('ZADD', leases, whole(now + ttl), member)
  redis.call('HSET', loads, member, ARGV[4])
end

local version = tonumber(stored[1])
if changes > 0 or not version then
  version = nextNumber(stored[1], now)
end
redis.call('HSET', state, 'version', whole(version), 'beatAt', whole(now))
return {
  'ok',
  whole(version),
  whole(incarnation),
  whole(now),
  changes > 0 and 1 or 0,
  redis.call('ZRANGE', leases, 0, -1, 'WITHSCORES'),
  redis.call('HGETALL', loads),
  version == known and {} or redis.call('HGETALL', records),
}
