-- list-live: rows of all streams whose lease has not ended.
-- KEYS[1] leases  zset  stream -> end of its lease, ms of the server's clock
-- KEYS[2] rows    hash  stream -> "<fence> <JSON>"
-- ARGV[1] max     streams, 1..5000
-- Returns: { "<fence> <JSON>", ... }
-- Writes: nothing
-- Cost: about 5 us + 0.5 us for each stream
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local after = '(' .. string.format('%.0f', now)
local streams = redis.call('ZRANGEBYSCORE', KEYS[1], after, '+inf', 'LIMIT', 0, ARGV[1])
if #streams == 0 then return {} end
return redis.call('HMGET', KEYS[2], unpack(streams))
