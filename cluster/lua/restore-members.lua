-- restore-members: tells a Redis that has lost its data who was there, before anybody concludes
-- from the empty list that everybody else is gone. The first process that comes wins; who is dead
-- runs out.
-- KEYS[1] leases   zset  "<role>/<id>", score = end of the lease (ms)
-- KEYS[2] records  hash  "<role>/<id>" -> "<incarnation> <record>"
-- KEYS[3] loads    hash  "<role>/<id>" -> load
-- KEYS[4] state    hash  version, incarnation, beatAt
-- ARGV[1] known        version that the caller has
-- ARGV[2] lease ttl    ms, 1...
-- ARGV[3] now          ms, 0 = the server's clock
-- ARGV[4...] members   three each: member, "<incarnation> <record>", load
-- Returns: 1 when restored, 0 when Redis knows a version already
-- Writes: all keys
-- Cost: O(members)
-- @include members
if redis.call('HEXISTS', KEYS[4], 'version') == 1 then
  return 0
end
local now = clockMs(ARGV[3])
local newest = now
for at = 4, #ARGV, 3 do
  local member, record, load = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  newest = math.max(newest, tonumber(string.match(record, '^%d+')))
  redis.call('ZADD', KEYS[1], whole(now + tonumber(ARGV[2])), member)
  redis.call('HSET', KEYS[2], member, record)
  redis.call('HSET', KEYS[3], member, load)
end
local version = nextNumber(ARGV[1], now)
local fields = { 'version', whole(version), 'incarnation', whole(newest), 'beatAt', whole(now) }
redis.call('HSET', KEYS[4], unpack(fields))
return 1
