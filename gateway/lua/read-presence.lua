-- read-presence: who is in a room, by level and arrival.
-- KEYS[1] counts   hash  worker -> "<reports>:<until ms>"; # version; ! what was told last
-- KEYS[2] order    zset  user; score = rank * 1e15 + arrival (ms)
-- KEYS[3] people   hash  user -> "<workers>|<rank>|<level>|<name>"
-- KEYS[4] leaving  zset  users at no worker; score = end of their grace (ms)
-- ARGV[1] now    ms, 0 = the server's clock
-- ARGV[2] limit  people to be named, 0..1000
-- Returns: { people, version, user, level, name, ... }; anonymous ones are not named
-- Writes: nothing
-- Cost: about 5 us + 0.5 us for each who is named
-- @include clock
local now = clockMs(ARGV[1])
local is_alive = false
local rows = redis.call('HGETALL', KEYS[1])
local version = 0
for at = 1, #rows, 2 do
  local till = rows[at] ~= '!' and string.match(rows[at + 1], '^%d+:(%d+)$')
  if rows[at] == '#' then version = tonumber(rows[at + 1]) end
  if till and tonumber(till) > now then is_alive = true end
end
local over = {}
for _, user in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', string.format('%.0f', now))) do
  over[user], over[#over + 1] = true, user
end
local count = redis.call('ZCARD', KEYS[2]) - #over
-- Nobody has said for a lease's time that anybody is there, except those in their grace.
if not is_alive then count = redis.call('ZCARD', KEYS[4]) - #over end
local reply = { count, version }
if ARGV[2] == '0' or not is_alive then return reply end
local named = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(3000000000000000',
  'LIMIT', 0, tonumber(ARGV[2]))
if #named == 0 then return reply end
for at, row in ipairs(redis.call('HMGET', KEYS[3], unpack(named))) do
  local level, name = string.match(row or '', '^%d+|%d|(%l+)|(.*)$')
  if level and not over[named[at]] then
    reply[#reply + 1] = named[at]
    reply[#reply + 1] = level
    reply[#reply + 1] = name
  end
end
return reply
