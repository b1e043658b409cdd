-- leave-member: removes a member that stops in good order, unless a newer process has taken its
-- place
-- KEYS[1] leases   zset  "<role>/<id>", score = end of the lease (ms)
-- KEYS[2] records  hash  "<role>/<id>" -> "<incarnation> <record>"
-- KEYS[3] loads    hash  "<role>/<id>" -> load
-- KEYS[4] state    hash  version, incarnation, beatAt
-- ARGV[1] member       "<role>/<id>"
-- ARGV[2] incarnation  of the caller
-- ARGV[3] now          ms, 0 = the server's clock
-- Returns: the new version when the member was there and is gone, '0' when there was nothing to do
-- Writes: all keys
-- Cost: O(log members)
-- @include members
local stored = redis.call('HGET', KEYS[2], ARGV[1])
if not stored or string.match(stored, '^%d+') ~= ARGV[2] then
  return '0'
end
forget(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
local version = nextNumber(redis.call('HGET', KEYS[4], 'version'), clockMs(ARGV[3]))
redis.call('HSET', KEYS[4], 'version', whole(version))
return whole(version)
