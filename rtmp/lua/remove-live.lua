-- remove-live: takes a stream off the list of live streams, unless a newer owner has it.
-- KEYS[1] leases  zset  stream -> end of its lease, ms of the server's clock
-- KEYS[2] rows    hash  stream -> "<fence> <JSON>"
-- ARGV[1] stream  id
-- ARGV[2] fence   of the owner
-- Returns: 1 removed, 0 not there or a newer owner has it
-- Writes: leases, rows
-- Cost: about 4 us
local row = redis.call('HGET', KEYS[2], ARGV[1])
if not row or tonumber(string.match(row, '^%d+')) > tonumber(ARGV[2]) then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
