-- open-channel: position, newest messages and latest values of a channel, for a worker that begins
-- to follow it or looks after it again. A channel without an epoch gets one: readers need a
-- position.
-- KEYS[1] meta     hash  e epoch, o top offset
-- KEYS[2] history  hash  offset -> packed time and message
-- KEYS[3] values   hash  key -> packed version, time and message
-- ARGV[1] new epoch    1..16 characters, taken when the channel begins anew
-- ARGV[2] known epoch  of the caller, '' = none
-- ARGV[3] known top    of the caller: a server that knows less has lost its tail and begins anew
-- ARGV[4] after        offset: messages above it are wanted; -1 = the newest
-- ARGV[5] max          messages, 1..1000
-- ARGV[6] ttl          seconds
-- Returns: { epoch, top, offset of the first entry, { entry or false, ... }, { key, value, ... } }
-- Writes: meta and history, only when the channel begins anew
-- Cost: about 8 us + 0.3 us for each message
local meta = redis.call('HMGET', KEYS[1], 'e', 'o')
local epoch, top = meta[1], tonumber(meta[2] or '0')
if not epoch or (epoch == ARGV[2] and top < tonumber(ARGV[3])) then
  epoch, top = ARGV[1], 0
  redis.call('UNLINK', KEYS[2])
  redis.call('HSET', KEYS[1], 'e', epoch, 'o', '0')
  redis.call('EXPIRE', KEYS[1], tonumber(ARGV[6]) + 604800)
end
local first = tonumber(ARGV[4]) + 1
local max = tonumber(ARGV[5])
if first <= 0 or epoch ~= ARGV[2] then first = math.max(1, top - max + 1) end
local last = math.min(top, first + max - 1)
local entries = {}
if first <= last then
  local offsets = {}
  for offset = first, last do offsets[#offsets + 1] = string.format('%.0f', offset) end
  entries = redis.call('HMGET', KEYS[2], unpack(offsets))
end
return { epoch, top, first, entries, redis.call('HGETALL', KEYS[3]) }
