-- report-viewers: takes one worker's count of viewers of a room, adds up all workers whose report
-- has not run out, and publishes the sum as the latest value "v" when it has changed.
-- KEYS[1] counts  hash  worker -> "<viewers>:<until ms>"; field ! holds the sum published last
-- KEYS[2] values  hash  key -> packed version, time and message
-- KEYS[3] feed    pub/sub channel (sharded)
-- ARGV[1] now      ms, 0 = the server's clock
-- ARGV[2] worker   its id
-- ARGV[3] viewers  0 = none; the worker is taken off
-- ARGV[4] lease    ms
-- Returns: the sum
-- Writes: counts, values; publishes the value when it has changed
-- Cost: about 8 us + 0.5 us for each worker
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local rows = redis.call('HGETALL', KEYS[1])
local sum, last = tonumber(ARGV[3]), nil
for at = 1, #rows, 2 do
  local worker, value = rows[at], rows[at + 1]
  if worker == '!' then
    last = tonumber(value)
  elseif worker ~= ARGV[2] then
    local viewers, till = string.match(value, '^(%d+):(%d+)$')
    if tonumber(till) > now then
      sum = sum + tonumber(viewers)
    else
      redis.call('HDEL', KEYS[1], worker)
    end
  end
end
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[1], ARGV[2])
else
  local till = string.format('%.0f', now + tonumber(ARGV[4]))
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ':' .. till)
end
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[4]) * 4)
if sum == last then return sum end
redis.call('HSET', KEYS[1], '!', string.format('%.0f', sum))
local before = redis.call('HGET', KEYS[2], 'v')
local version = math.max(now, (before and struct.unpack('>I8', before) or -1) + 1)
local stamp = struct.pack('>I8I8', version, now)
local message = cmsgpack.pack('v') .. cmsgpack.pack({ count = sum })
redis.call('HSET', KEYS[2], 'v', stamp .. message)
redis.call('EXPIRE', KEYS[2], 86400)
redis.call('SPUBLISH', KEYS[3], struct.pack('>BBc0', 2, 1, 'v') .. stamp .. message)
return sum
