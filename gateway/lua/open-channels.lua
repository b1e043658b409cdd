-- open-channels: position, newest messages and latest values of channels, for a worker that begins
-- to follow them or looks after them again. A channel without an epoch gets one: readers need a
-- position.
-- KEYS[1...] three of each channel, all with one tag:
--   meta     hash  e epoch, o top offset, b the epoch that this one goes on from
--   history  hash  offset -> packed time and message
--   values   hash  key -> packed version, time and message
-- ARGV[1] ttl    seconds
-- ARGV[2...] six of each channel, or six for all of them:
--   new epoch    1..16 characters, taken when the channel begins anew or has lost its tail
--   known epoch  of the caller, '' = none
--   known top    of the caller: a server that knows less, or another message there, has lost
--     its tail: a new epoch goes on from what there is
--   after        offset: messages above it are wanted; -1 = the newest
--   max          messages, 1..1000
--   known time   of the message at the known top (ms), 0 = not known
-- Returns: of each channel
--   { epoch, top, offset of the first entry, { entry or false, ... }, { key, value, ... } }
-- Writes: meta and history, only for a new epoch
-- Cost: about 9 us + 0.3 us for each message, of each channel
local ttl = tonumber(ARGV[1]) + 604800

-- A replica without the master's last messages has taken over; it may have given their offsets to
-- others since.
local function has_lost(history, epoch, top, known_epoch, known_top, known_ms)
  if epoch ~= known_epoch then return false end
  if top < known_top then return true end
  local entry = known_ms > 0 and redis.call('HGET', history, string.format('%.0f', known_top))
  return entry and struct.unpack('>I8', entry) ~= known_ms
end

local function open(keys, new_epoch, known_epoch, known_top, after, max, known_ms)
  local row = redis.call('HMGET', keys.meta, 'e', 'o')
  local epoch, top = row[1], tonumber(row[2] or '0')
  local is_new = not epoch
  if is_new or has_lost(keys.history, epoch, top, known_epoch, known_top, known_ms) then
    if is_new then
      redis.call('UNLINK', keys.history)
    else
      redis.call('HSET', keys.meta, 'b', epoch)
    end
    epoch = new_epoch
    redis.call('HSET', keys.meta, 'e', epoch, 'o', string.format('%.0f', top))
    redis.call('EXPIRE', keys.meta, ttl)
  end
  local first = after + 1
  if first <= 0 or epoch ~= known_epoch then first = math.max(1, top - max + 1) end
  local last = math.min(top, first + max - 1)
  local entries = {}
  if first <= last then
    local offsets = {}
    for offset = first, last do offsets[#offsets + 1] = string.format('%.0f', offset) end
    entries = redis.call('HMGET', keys.history, unpack(offsets))
  end
  return { epoch, top, first, entries, redis.call('HGETALL', keys.values) }
end

local states = {}
local step = #ARGV == 7 and 0 or 6
for at = 0, #KEYS / 3 - 1 do
  local key, arg = 3 * at, 1 + step * at
  states[at + 1] = open(
    { meta = KEYS[key + 1], history = KEYS[key + 2], values = KEYS[key + 3] },
    ARGV[arg + 1], ARGV[arg + 2], tonumber(ARGV[arg + 3]), tonumber(ARGV[arg + 4]),
    tonumber(ARGV[arg + 5]), tonumber(ARGV[arg + 6]))
end
return states
