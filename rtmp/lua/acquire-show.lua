-- acquire-show: makes a node the owner of a stream's show and gives it a fencing token higher than
-- any before. The newest publisher wins: whether it may publish at all was decided before.
-- KEYS[1] show  hash  f fence, n node, s session, d state (JSON)
-- ARGV[1] node     id of the new owner
-- ARGV[2] session  of its publisher
-- ARGV[3] ttl      ms, 1000..
-- Returns: { fence, node before or '', session before or '', state or '' }
-- Writes: the show
-- Cost: about 5 us
local before = redis.call('HMGET', KEYS[1], 'n', 's', 'd')
local fence = redis.call('HINCRBY', KEYS[1], 'f', 1)
redis.call('HSET', KEYS[1], 'n', ARGV[1], 's', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { fence, before[1] or '', before[2] or '', before[3] or '' }
