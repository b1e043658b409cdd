-- hold-lease: takes, renews or gives back the lease of a job that one process does for all
-- KEYS[1] lease  hash  holder, token (grows with each new holder), until (ms)
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] holder  id of the process
-- ARGV[3] ttl  ms, 0 gives the lease back
-- Returns: the fencing token, or 0 when another process holds the lease or it was given back
-- Writes: lease
-- Cost: O(1)
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local ttl = tonumber(ARGV[3])
local found = redis.call('HMGET', KEYS[1], 'holder', 'token', 'until')
local holder, token, ends = found[1], tonumber(found[2] or '0'), tonumber(found[3] or '0')
local isOurs = holder == ARGV[2] and ends > now
if not isOurs and (ends > now or ttl == 0) then
  return 0
end
if not isOurs then
  token = token + 1
end
redis.call('HSET', KEYS[1], 'holder', ARGV[2], 'token', string.format('%.0f', token),
  'until', string.format('%.0f', now + ttl))
return ttl > 0 and token or 0
