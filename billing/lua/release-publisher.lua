#!lua
-- release-publisher: a publisher is gone; or forgets a stream that has been down for long
-- KEYS[1] publishers  hash  stream → `session node live|down since seen`
-- KEYS[2] shows  hash  stream → when its show began, ms; reconnects within the grace are one show
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] stream  id
-- ARGV[3] who  `session:<hook session>`, `node:<media node>`, or `drop:<since>` to forget a down
--   entry
-- Returns: released, dropped, or other when the entry is not (or no longer) the one meant
-- Writes: publishers, shows
-- Cost: O(1)
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local stored = redis.call('HGET', KEYS[1], ARGV[2]) or '- - down 0 0'
local session, node, state, since = string.match(stored, '^(%S+) (%S+) (%a+) (%d+) %d+$')
if ARGV[3] == 'drop:' .. since and state == 'down' then
  redis.call('HDEL', KEYS[1], ARGV[2])
  redis.call('HDEL', KEYS[2], ARGV[2])
  return 'dropped'
end
local isMeant = ARGV[3] == 'session:' .. session or ARGV[3] == 'node:' .. node
if state ~= 'live' or not isMeant then
  return 'other'
end
redis.call('HSET', KEYS[1], ARGV[2],
  string.format('%s %s down %.0f %.0f', session, node, now, now))
return 'released'
