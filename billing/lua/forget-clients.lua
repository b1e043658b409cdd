-- forget-clients: forgets clients of an SRS that are gone, unless a newer poller has taken over
-- KEYS[1] lease  hash  see hold-lease
-- KEYS[2] clients  hash  `server/client` → paid session
-- ARGV[1] token  fencing token of the poller
-- ARGV[2...] fields  `server/client`, 1…1000
-- Returns: clients forgotten, or -1 when the token is no longer the newest
-- Writes: clients
-- Cost: O(fields)
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return -1
end
return redis.call('HDEL', KEYS[2], unpack(ARGV, 2))
