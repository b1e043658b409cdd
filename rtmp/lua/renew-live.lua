-- renew-live: puts or keeps a stream in the list of live streams for one lease, unless a newer
-- owner has it.
-- KEYS[1] leases  zset  stream -> end of its lease, ms of the server's clock
-- KEYS[2] rows    hash  stream -> "<fence> <JSON>"
-- ARGV[1] stream  id
-- ARGV[2] fence   of the owner
-- ARGV[3] ttl     ms, 100..
-- ARGV[4] row     JSON
-- Returns: 1 renewed, 0 a newer owner has the stream
-- Writes: leases, rows
-- Cost: about 5 us
local row = redis.call('HGET', KEYS[2], ARGV[1])
if row and tonumber(string.match(row, '^%d+')) > tonumber(ARGV[2]) then return 0 end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[3])), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. ARGV[4])
return 1
