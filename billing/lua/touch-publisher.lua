#!lua
-- touch-publisher: proof of life of a publisher
-- KEYS[1] publishers  hash  stream → `session node live|down since seen`
-- KEYS[2] shows  hash  stream → when its show began, ms; reconnects within the grace are one show
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] stream  id
-- ARGV[3] session  hook session
-- ARGV[4] node  media node
-- Returns: live (as before), resumed (was down or unknown), other (somebody else publishes)
-- Writes: publishers, shows
-- Cost: O(1)
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local known = redis.call('HGET', KEYS[1], ARGV[2])
local stored = known or '- - down 0 0'
local session, state, since, seen = string.match(stored, '^(%S+) %S+ (%a+) (%d+) (%d+)$')
-- What only the bus has said belongs to whoever comes with a hook.
if state == 'live' and session ~= ARGV[3] and string.sub(session, 1, 4) ~= 'bus:' then
  return 'other'
end
local from = state == 'live' and since or string.format('%.0f', now)
redis.call(known and 'HSETNX' or 'HSET', KEYS[2], ARGV[2], string.format('%.0f', now))
-- Each proof of life changes the entry, also while the clock stands still or was set back.
redis.call('HSET', KEYS[1], ARGV[2],
  string.format('%s %s live %s %.0f', ARGV[3], ARGV[4], from, math.max(now, tonumber(seen) + 1)))
return state == 'live' and 'live' or 'resumed'
