-- publish-tips: publishes goal "g" and leaderboard "l" of a room when tips have come since the last
-- time, at most once a second; sequence-batch has added them up.
-- KEYS[1] tips     hash  target, text, sum of the goal (milli-credits); "n:<user>" names; due 1 = a
--   tip has come; at = when this was last done (ms)
-- KEYS[2] tippers  zset  user; score = sum (milli-credits)
-- KEYS[3] values   hash  key -> packed version, time and message
-- KEYS[4] feed     pub/sub channel (sharded)
-- ARGV[1] now  ms, 0 = the server's clock
-- ARGV[2] top  places of the leaderboard, 1..100
-- Returns: 0 done or nothing to do / 1 too early
-- Writes: tips, values; publishes both values
-- Cost: about 3 us, 20 us when there is something to do
-- @include clock
local row = redis.call('HMGET', KEYS[1], 'due', 'at', 'target', 'text', 'sum')
if row[1] ~= '1' then return 0 end
local now = clockMs(ARGV[1])
if now - tonumber(row[2] or '0') < 1000 then return 1 end

local function set_value(key, body)
  local before = redis.call('HGET', KEYS[3], key)
  local fresh = math.max(now, (before and struct.unpack('>I8', before) or -1) + 1)
  local stamp = struct.pack('>I8I8', fresh, now)
  local message = cmsgpack.pack(key) .. body
  redis.call('HSET', KEYS[3], key, stamp .. message)
  redis.call('EXPIRE', KEYS[3], 86400)
  redis.call('SPUBLISH', KEYS[4], struct.pack('>BBc0', 2, #key, key) .. stamp .. message)
end

if row[3] and row[3] ~= '0' then
  local text = row[4] ~= '' and row[4] or nil
  set_value('g', cmsgpack.pack({ target = row[3], sum = row[5] or '0', text = text }))
end
local sums = redis.call('ZREVRANGE', KEYS[2], 0, tonumber(ARGV[2]) - 1, 'WITHSCORES')
-- { top = [...] } by hand: an empty table would be packed as a map.
local places = {}
for at = 1, #sums, 2 do
  places[#places + 1] = cmsgpack.pack({
    id = sums[at], amount = string.format('%.0f', tonumber(sums[at + 1])),
    name = redis.call('HGET', KEYS[1], 'n:' .. sums[at]) or '',
  })
end
local list = struct.pack('>BI2', 220, #places) .. table.concat(places)
set_value('l', '\129' .. cmsgpack.pack('top') .. list)
redis.call('HSET', KEYS[1], 'at', string.format('%.0f', now))
redis.call('HDEL', KEYS[1], 'due')
return 0
