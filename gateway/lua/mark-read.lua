-- mark-read: moves the mark of what a user has read in the inbox, never back and never past the
-- top, and publishes it with the number of unread notifications as the latest value "u".
-- KEYS[1] meta    hash  e epoch, o top offset, b the epoch that this one goes on from
-- KEYS[2] values  hash  key -> packed version, time and message
-- KEYS[3] feed    pub/sub channel (sharded)
-- ARGV[1] now   ms, 0 = the server's clock
-- ARGV[2] upto  offset
-- ARGV[3] ttl   seconds
-- Returns: the number of unread notifications
-- Writes: values; publishes the value when the mark has moved
-- Cost: about 8 us
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local meta = redis.call('HMGET', KEYS[1], 'e', 'o', 'b')
local epoch, top = meta[1] or '', tonumber(meta[2] or '0')
local before = redis.call('HGET', KEYS[2], 'u')
local read, version, is_current = 0, now, false
if before then
  version = math.max(now, struct.unpack('>I8', before) + 1)
  local _, body = cmsgpack.unpack(string.sub(before, 17))
  -- A mark of an epoch that this one does not go on from says nothing.
  is_current = body.epoch == epoch
  if is_current or body.epoch == meta[3] then read = math.min(body.read, top) end
end
local moved = math.min(math.max(read, tonumber(ARGV[2])), top)
if moved == read and is_current then return top - read end
local message = cmsgpack.pack('u') .. cmsgpack.pack({ count = top - moved, read = moved, epoch = epoch })
local stamp = struct.pack('>I8I8', version, now)
redis.call('HSET', KEYS[2], 'u', stamp .. message)
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('SPUBLISH', KEYS[3], struct.pack('>BBc0', 2, 1, 'u') .. stamp .. message)
return top - moved
