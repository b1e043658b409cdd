-- claim-room: gives or takes back the lease of a room's coordinator; announce-presence renews it.
-- Every lease that is given has a higher fencing token than the one before.
-- KEYS[1] lease  hash  owner, token, until (ms)
-- ARGV[1] now     ms, 0 = the server's clock
-- ARGV[2] worker  who asks
-- ARGV[3] token   to give back; 0 otherwise
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
if ttl == 0 then
  local isOwn = owner == worker and isTaken and token == tonumber(ARGV[3])
  if isOwn then redis.call('HSET', KEYS[1], 'until', '0') end
  return { 0, isOwn and '' or owner, isOwn and 0 or math.max(0, till - now) }
end
if isTaken and owner ~= worker then
  return { 0, owner, till - now }
end
-- Tokens follow the clock, so that they still grow when Redis has lost them.
token = math.max(token + 1, now)
redis.call('HSET', KEYS[1], 'owner', worker, 'token', string.format('%.0f', token),
  'until', string.format('%.0f', now + ttl))
redis.call('EXPIRE', KEYS[1], 86400)
return { token, worker, ttl }
