-- report-viewers: takes one worker's count of viewers of a room and tells who else has viewers
-- there. The sum is told to the room by its coordinator (announce-viewers).
-- KEYS[1] counts  hash  worker -> "<viewers>:<until ms>"; field ! holds the sum told last
-- KEYS[2] values  hash  key -> packed version, time and message
-- ARGV[1] now      ms, 0 = the server's clock
-- ARGV[2] worker   its id
-- ARGV[3] viewers  0 = none; the worker is taken off
-- ARGV[4] lease    ms
-- Returns: { worker, ... } whose reports hold, this one included when it has viewers
-- Writes: counts; forgets the value "v" when the last viewer has gone
-- Cost: about 5 us + 0.5 us for each worker
-- @include clock
local now = clockMs(ARGV[1])
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[1], ARGV[2])
else
  local till = string.format('%.0f', now + tonumber(ARGV[4]))
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ':' .. till)
end
local rows, workers = redis.call('HGETALL', KEYS[1]), {}
for at = 1, #rows, 2 do
  local till = tonumber(string.match(rows[at + 1], ':(%d+)$'))
  if till and till > now then
    workers[#workers + 1] = rows[at]
  elseif till then
    redis.call('HDEL', KEYS[1], rows[at])
  end
end
if #workers == 0 then
  redis.call('DEL', KEYS[1])
  redis.call('HDEL', KEYS[2], 'v')
else
  redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[4]) * 4)
end
return workers
