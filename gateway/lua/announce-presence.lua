-- announce-presence: the coordinator of a room renews its lease, ends the grace of those who have
-- not come back, and publishes the number of people as the latest value "v" when anybody has come
-- or gone. Each number costs a frame per listener, so a crowd is told when its number has come to
-- rest, or has been another one for 5 s; never within 3 s of the last.
-- KEYS[1] counts   hash  worker -> "<reports>:<until ms>"; # version; ! what was told last;
--                        ~ "<version at the last look> <another than told since, ms>"
-- KEYS[2] order    zset  user; score = rank * 1e15 + arrival (ms)
-- KEYS[3] people   hash  user -> "<workers>|<rank>|<level>|<name>"
-- KEYS[4] leaving  zset  users at no worker; score = end of their grace (ms)
-- KEYS[5] values   hash  key -> packed version, time and message
-- KEYS[6] feed     pub/sub channel (sharded)
-- KEYS[7] lease    hash  owner, token, until (ms)
-- ARGV[1] now          ms, 0 = the server's clock
-- ARGV[2] worker       the coordinator
-- ARGV[3] token        its fencing token
-- ARGV[4] ttl          ms of the lease
-- ARGV[5] notices max  people in a room above which there are no notices
-- Returns: { -1 the lease has passed on / 0 all is as it was / 1 published / 2 to be told soon,
--   stale worker, ... }
-- Writes: lease, counts, order, people, leaving, values; publishes the value when it has changed
-- Cost: about 10 us + 0.5 us for each worker
-- @include clock
local K = {
  counts = KEYS[1], order = KEYS[2], people = KEYS[3], leaving = KEYS[4], feed = KEYS[6],
}
local NOW, GRACE, NOTICES_MAX = clockMs(ARGV[1]), 0, tonumber(ARGV[5])
local CROWD_PAUSE_MS, MOVING_MS = 3000, 5000
local row = redis.call('HMGET', KEYS[7], 'owner', 'token', 'until')
local is_own = row[1] == ARGV[2] and row[2] == ARGV[3]
if not is_own or tonumber(row[3]) <= NOW then return { -1 } end
redis.call('HSET', KEYS[7], 'until', string.format('%.0f', NOW + tonumber(ARGV[4])))
-- Without reports there is nobody to tell it to.
if redis.call('EXISTS', KEYS[1]) == 0 then return { 0 } end
-- @include presence
local reply, rows = { 0 }, redis.call('HGETALL', KEYS[1])
local told, seen = nil, nil
for at = 1, #rows, 2 do
  local till = string.match(rows[at + 1], '^%d+:(%d+)$')
  if rows[at] == '!' then
    told = rows[at + 1]
  elseif rows[at] == '~' then
    seen = rows[at + 1]
  elseif till and tonumber(till) <= NOW then
    reply[#reply + 1] = rows[at]
  end
end
local count = settle()
local state = string.format('%.0f:%.0f', count, version)
if state == told then return reply end
local before, before_ms = -1, 0
local value = redis.call('HGET', KEYS[5], 'v')
if value then before, before_ms = struct.unpack('>I8I8', value) end
if told and count > NOTICES_MAX then
  local seen_version, since = string.match(seen or '', '^(%d+) (%d+)$')
  local is_at_rest = tonumber(seen_version) == version
  local moving_ms = NOW - (tonumber(since) or NOW)
  if NOW - before_ms < CROWD_PAUSE_MS or not (is_at_rest or moving_ms >= MOVING_MS) then
    redis.call('HSET', KEYS[1], '~', string.format('%.0f %.0f', version, NOW - moving_ms))
    reply[1] = 2
    return reply
  end
end
redis.call('HSET', KEYS[1], '!', state)
redis.call('HDEL', KEYS[1], '~')
local fresh = math.max(NOW, before + 1)
local stamp = struct.pack('>I8I8', fresh, NOW)
local message = cmsgpack.pack('v') .. cmsgpack.pack({ count = count, version = version })
redis.call('HSET', KEYS[5], 'v', stamp .. message)
redis.call('EXPIRE', KEYS[5], 86400)
redis.call('SPUBLISH', KEYS[6], struct.pack('>BBc0', 2, 1, 'v') .. stamp .. message)
reply[1] = 1
return reply
