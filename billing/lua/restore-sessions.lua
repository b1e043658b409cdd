#!lua
-- restore-sessions: writes sessions as SQL has them into a shard that is being restored: the open
-- ones, whose time since the last settlement is not charged (the first proof of life starts the
-- clock again), and ended ones whose ticket still holds
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] sess  hash  session → record
-- KEYS[3] due  zset  session by next look
-- KEYS[4] room  zset  open sessions by room
-- KEYS[5] ticket  zset  last visits to shows that go on
-- ARGV[1] token  of this restore
-- ARGV[2] now  ms
-- ARGV[3] due  ms at which a session without proof of life is stale
-- ARGV[4...] session, wallet, room, payee, tariff, opened, settled bill ms, settled cost, ended ms
--   (0 = open), reason  ten per session
-- Returns: number of sessions
-- Writes: sess, due, room, ticket
-- Cost: O(sessions), about 6 µs each
if redis.call('HGET', KEYS[1], 'restoring') ~= ARGV[1] then
  return redis.error_reply('FENCED another restore has begun')
end
local TOMBSTONE_MS, CUTS_MAX = 86400000, 5
local now = tonumber(ARGV[2])
local records, dues, members, visits = {}, {}, {}, {}
for i = 4, #ARGV, 10 do
  local sid, wallet, room, payee = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local model, rest = string.match(ARGV[i + 4], '^(%a) (.*)$')
  local tariff = {}
  for value in string.gmatch(rest, '%d+') do
    tariff[#tariff + 1] = tonumber(value)
  end
  local bill, cost, ended = tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]), tonumber(ARGV[i + 8])
  local isOpen, member = ended == 0, room .. '|' .. wallet .. '|' .. sid
  records[#records + 1] = sid
  records[#records + 1] = cmsgpack.pack({
    wallet, room, payee, model, tariff[1], tariff[2], tariff[3], tariff[4], tariff[5], tariff[6],
    tariff[7], tonumber(ARGV[i + 5]), isOpen and 1 or 0, 0, bill, cost, 0, -1, 0, 0, 0, cost, bill,
    now, 0, 0, ARGV[i + 9], isOpen and 0 or CUTS_MAX, ended, tariff[9] or 0, tariff[8] or 0, '-',
  })
  dues[#dues + 1], dues[#dues + 2] = isOpen and ARGV[3] or ended + TOMBSTONE_MS, sid
  if isOpen then
    members[#members + 1], members[#members + 2] = 0, member
  end
  visits[#visits + 1], visits[#visits + 2] = 0, member
end
if #records > 0 then
  redis.call('HSET', KEYS[2], unpack(records))
  redis.call('ZADD', KEYS[3], unpack(dues))
  redis.call('ZADD', KEYS[5], unpack(visits))
end
if #members > 0 then
  redis.call('ZADD', KEYS[4], unpack(members))
end
return #records / 2
