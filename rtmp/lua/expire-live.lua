-- expire-live: takes streams off the list whose owner has not renewed their lease. Each is given to
-- one caller.
-- KEYS[1] leases  zset  stream -> end of its lease, ms of the server's clock
-- KEYS[2] rows    hash  stream -> "<fence> <JSON>"
-- ARGV[1] max     streams, 1..1000
-- Returns: { "<fence> <JSON>", ... } of the streams taken off
-- Writes: leases, rows
-- Cost: about 5 us + 1 us for each stream
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local until_now = string.format('%.0f', now)
local streams = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', until_now, 'LIMIT', 0, ARGV[1])
if #streams == 0 then return {} end
local rows = redis.call('HMGET', KEYS[2], unpack(streams))
redis.call('ZREM', KEYS[1], unpack(streams))
redis.call('HDEL', KEYS[2], unpack(streams))
return rows
