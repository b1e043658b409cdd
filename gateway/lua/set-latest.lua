-- set-latest: replaces the value of one key of a channel, unless the new one is not newer.
-- KEYS[1] values  hash  key -> packed version, time and message
-- KEYS[2] feed    pub/sub channel (sharded)
-- ARGV[1] now      ms, 0 = the server's clock
-- ARGV[2] key      1..64 characters
-- ARGV[3] version  integer; '' = the time, but more than the one before
-- ARGV[4] ttl      seconds
-- ARGV[5] message  packed
-- Returns: { 1 written / 0 not newer, version that is in force }
-- Writes: values; publishes the value when it was written
-- Cost: about 6 us
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local key = ARGV[2]
local before = redis.call('HGET', KEYS[1], key)
local had = before and struct.unpack('>I8', before) or -1
local version = ARGV[3] == '' and math.max(now, had + 1) or tonumber(ARGV[3])
if version <= had then return { 0, had } end
local stamp = struct.pack('>I8I8', version, now)
redis.call('HSET', KEYS[1], key, stamp .. ARGV[5])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('SPUBLISH', KEYS[2], struct.pack('>BBc0', 2, #key, key) .. stamp .. ARGV[5])
return { 1, version }
