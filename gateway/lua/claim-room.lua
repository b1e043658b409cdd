-- claim-room: gives, renews or takes back the lease of a room's coordinator. A lease that passes to
-- another worker gets a higher fencing token, whatever happened to the one before.
-- KEYS[1] lease  hash  owner, token, until (ms)
-- ARGV[1] now     ms, 0 = the server's clock
-- ARGV[2] worker  who asks
-- ARGV[3] token   the one that the worker holds, 0 = none
-- ARGV[4] ttl     ms; 0 = the worker gives the lease back
-- Returns: { token of the worker or 0 when it has no lease, owner or '', ms left }
-- Writes: lease
-- Cost: about 4 us
-- @include clock
local now = clockMs(ARGV[1])
local worker, ttl = ARGV[2], tonumber(ARGV[4])
local row = redis.call('HMGET', KEYS[1], 'owner', 'token', 'until')
local owner, token, till = row[1] or '', tonumber(row[2]) or 0, tonumber(row[3]) or 0
local isTaken = till > now
local isOwn = owner == worker and isTaken and token == tonumber(ARGV[3])
if ttl == 0 then
  if isOwn then redis.call('HSET', KEYS[1], 'until', '0') end
  return { 0, isOwn and '' or owner, isOwn and 0 or math.max(0, till - now) }
end
if isTaken and not isOwn and owner ~= worker then
  return { 0, owner, till - now }
end
-- Tokens follow the clock, so that they still grow when Redis has lost them.
if not isOwn then token = math.max(token + 1, now) end
redis.call('HSET', KEYS[1], 'owner', worker, 'token', string.format('%.0f', token),
  'until', string.format('%.0f', now + ttl))
redis.call('EXPIRE', KEYS[1], 86400)
return { token, worker, ttl }
