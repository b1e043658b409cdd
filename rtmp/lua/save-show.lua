-- save-show: keeps the state of a show, unless another node has become its owner.
-- KEYS[1] show  hash  f fence, n node, s session, d state (JSON)
-- ARGV[1] fence  as acquire-show gave it
-- ARGV[2] state  JSON
-- ARGV[3] ttl    ms, 1000..
-- Returns: 1 saved, 0 fenced off
-- Writes: the show
-- Cost: about 5 us + the length of the state
local fence = redis.call('HGET', KEYS[1], 'f')
if fence and tonumber(fence) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'f', ARGV[1], 'd', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
