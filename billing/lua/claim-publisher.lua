#!lua
-- claim-publisher: makes a hook session the publisher of a stream, or refuses it
-- KEYS[1] publishers  hash  stream → `session node live|down since seen`
-- KEYS[2] shows  hash  stream → when its show began, ms; reconnects within the grace are one show
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] stream  id
-- ARGV[3] session  hook session, without blanks
-- ARGV[4] node  media node, without blanks
-- ARGV[5] stale  ms after which a publisher that was not heard of is gone
-- ARGV[6] replaces  hook session that the node says it replaces, or -
-- ARGV[7] policy  replace or refuse
-- Returns: { accepted|refused, session before or -, its node or - , since ms }
-- Writes: publishers, shows
-- Cost: O(1)
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local known = redis.call('HGET', KEYS[1], ARGV[2])
local stored = known or '- - down 0 0'
local session, node, state, since, seen = string.match(stored, '^(%S+) (%S+) (%a+) (%d+) (%d+)$')
local isLive = state == 'live' and now - tonumber(seen) < tonumber(ARGV[5])
local isOther = isLive and session ~= ARGV[3] and string.sub(session, 1, 4) ~= 'bus:'
if isOther and session ~= ARGV[6] and ARGV[7] ~= 'replace' then
  return { 'refused', session, node, since }
end
local from = isLive and since or string.format('%.0f', now)
redis.call(known and 'HSETNX' or 'HSET', KEYS[2], ARGV[2], string.format('%.0f', now))
redis.call('HSET', KEYS[1], ARGV[2],
  string.format('%s %s live %s %.0f', ARGV[3], ARGV[4], from, now))
if isOther then
  return { 'accepted', session, node, from }
end
return { 'accepted', '-', '-', from }
