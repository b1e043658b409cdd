-- share-load: notes how many rooms a worker coordinates and tells what all live workers carry.
-- KEYS[1] loads  hash  worker -> "<rooms>:<until ms>"
-- ARGV[1] now     ms, 0 = the server's clock
-- ARGV[2] worker  who reports
-- ARGV[3] rooms   0...; -1 = it goes away
-- ARGV[4] ttl     ms for which the report holds
-- Returns: { worker, rooms, ... } of those whose report holds
-- Writes: loads
-- Cost: about 4 us + 0.5 us for each worker
-- @include clock
local now = clockMs(ARGV[1])
if ARGV[3] == '-1' then
  redis.call('HDEL', KEYS[1], ARGV[2])
else
  local till = string.format('%.0f', now + tonumber(ARGV[4]))
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ':' .. till)
end
local rows, loads = redis.call('HGETALL', KEYS[1]), {}
for at = 1, #rows, 2 do
  local rooms, till = string.match(rows[at + 1], '^(%d+):(%d+)$')
  if tonumber(till) > now then
    loads[#loads + 1] = rows[at]
    loads[#loads + 1] = tonumber(rooms)
  else
    redis.call('HDEL', KEYS[1], rows[at])
  end
end
return loads
