-- report-presence: takes what has changed among one worker's users of a room and, in small rooms,
-- sends a notice "j" for each who came or went; the number is told by the room's coordinator
-- (announce-presence). Who has lost the connection stays for the grace time.
-- KEYS[1] counts   hash  worker -> "<reports>:<until ms>"; # version; ! what was told last
-- KEYS[2] order    zset  user; score = rank * 1e15 + arrival (ms)
-- KEYS[3] people   hash  user -> "<workers>|<rank>|<level>|<name>"
-- KEYS[4] leaving  zset  users at no worker; score = end of their grace (ms)
-- KEYS[5] own      set   users at this worker
-- KEYS[6] values   hash  key -> packed version, time and message
-- KEYS[7] feed     pub/sub channel (sharded)
-- ARGV[1] now          ms, 0 = the server's clock
-- ARGV[2] worker       its id
-- ARGV[3] reports      that it knows of; 0 = all its users follow, whatever was before
-- ARGV[4] lease        ms
-- ARGV[5] grace        ms
-- ARGV[6] notices max  people in a room above which there are no notices
-- ARGV[7] changes      packed, an array each: + came, or has another level or name, - lost the
--   connection, x left; user, rank, level, name
-- Returns: { reports known from now on, worker, ... } with all whose reports hold; reports -1 =
--   something was lost: report all users again
-- Writes: counts, order, people, leaving, own; forgets the value "v" when nobody reports any more
-- Cost: about 12 us + 3 us for each change
-- @include clock
local K = {
  counts = KEYS[1], order = KEYS[2], people = KEYS[3], leaving = KEYS[4], feed = KEYS[7],
}
local NOW, GRACE, NOTICES_MAX = clockMs(ARGV[1]), tonumber(ARGV[5]), tonumber(ARGV[6])
local worker, reports, changes = ARGV[2], tonumber(ARGV[3]), ARGV[7]
local row = redis.call('HGET', KEYS[1], worker)
local known = tonumber(row and string.match(row, '^%d+') or '0')
if reports > 0 and reports ~= known then return { -1 } end
-- @include presence
if reports == 0 then
  for _, user in ipairs(redis.call('SMEMBERS', KEYS[5])) do depart(user, false) end
  redis.call('UNLINK', KEYS[5])
end
for _, one in ipairs(cmsgpack.unpack(changes)) do
  local what, user, rank, level, name = unpack(one)
  if what == '+' then
    if redis.call('SADD', KEYS[5], user) == 1 then arrive(user, rank, level, name)
    else change(user, rank, level, name) end
  elseif redis.call('SREM', KEYS[5], user) == 1 then
    depart(user, what == 'x')
  end
end
if redis.call('SCARD', KEYS[5]) == 0 then
  redis.call('HDEL', KEYS[1], worker)
  known = -1
else
  redis.call('HSET', KEYS[1], worker,
    string.format('%.0f:%.0f', known + 1, NOW + tonumber(ARGV[4])))
  redis.call('PEXPIRE', KEYS[5], KEEP_MS)
end
settle()
local reply, rows = { known + 1 }, redis.call('HGETALL', KEYS[1])
for at = 1, #rows, 2 do
  local till = rows[at] ~= '!' and string.match(rows[at + 1], '^%d+:(%d+)$')
  if till and tonumber(till) > NOW then reply[#reply + 1] = rows[at] end
end
if #reply == 1 then
  redis.call('HDEL', KEYS[1], '!')
  redis.call('HDEL', KEYS[6], 'v')
end
return reply
