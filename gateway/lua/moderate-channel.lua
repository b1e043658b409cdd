-- moderate-channel: one act of moderation: changes who may speak or how, hides messages in the
-- history, decides about messages that wait, puts the act itself into the sequence where readers
-- must see it in order, and writes the audit record. Messages are sequenced on the same slot, so
-- that none of a banned user gets an offset once this has returned.
-- KEYS[1] meta          hash   e epoch, o top offset, t time of the last message (ms)
-- KEYS[2] history       hash   offset -> packed time and message
-- KEYS[3] mids          hash   "<actor> <mid>" -> "<offset>:<ms>"
-- KEYS[4] mids-before   hash   the mids of the period before
-- KEYS[5] restrictions  zset   "b:<user>" ban, "m:<user>" mute, "s:<user>" shadow; score = until
--   (ms)
-- KEYS[6] settings      hash   v version, and the modes
-- KEYS[7] values        hash   key -> packed version, time and message
-- KEYS[8] feed          pub/sub channel (sharded)
-- KEYS[9] audit         list   "<number> <record>", newest first
-- KEYS[10] held         hash   name -> packed time, reason and message
-- KEYS[11] held-order   zset   name; score = until (ms)
-- KEYS[12] tips         hash   goal and sums; see publish-tips.lua
-- KEYS[13] ban-notes    hash   member of restrictions -> the line of the audit
-- KEYS[14] ban-order    zset   the same; score = number in the audit
-- ARGV[1] now           ms, 0 = the server's clock
-- ARGV[2] new epoch     taken when the channel begins anew
-- ARGV[3] history max   messages
-- ARGV[4] history ttl   seconds
-- ARGV[5] mid ttl       ms
-- ARGV[6] field         "<actor> <mid>"
-- ARGV[7] action        restrict, lift, delete, clear, value, goal, approve, deny
-- ARGV[8] subject       restrict, lift: member; delete: offset; clear: user, '' = everybody; value,
--   goal: its key; approve, deny: name of the held message
-- ARGV[9] seconds       of a restriction, '' = for ever
-- ARGV[10] event        packed message to be sequenced, '' = none
-- ARGV[11] message      delete, clear, ban: packed body for hidden messages; value, goal: packed
--   message
-- ARGV[12] audit        one record
-- ARGV[13...] settings  pairs of field and value; given, the settings' version grows; goal: of tips
-- Returns: { epoch, offset of the event or 0, settings version, 1 done / 0 nothing there / 2 done
--   before }
-- Writes: all keys; publishes the event and the value
-- Cost: about 15 us; clear: + 1 us for each message in the history
-- @include held
local FOREVER = 9007199254740991
local AUDIT_MAX = 10000
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local meta = redis.call('HMGET', KEYS[1], 'e', 'o', 't')
local epoch, top = meta[1] or ARGV[2], tonumber(meta[2] or '0')
now = math.max(now, tonumber(meta[3] or '0'))
local version = tonumber(redis.call('HGET', KEYS[6], 'v') or '0')
local known = redis.call('HGET', KEYS[3], ARGV[6]) or redis.call('HGET', KEYS[4], ARGV[6])
if known then
  return { epoch, tonumber(string.match(known, '^%d+') or '0'), version, 2 }
end

local function set_value(key, message)
  local before = redis.call('HGET', KEYS[7], key)
  local fresh = math.max(now, (before and struct.unpack('>I8', before) or -1) + 1)
  local stamp = struct.pack('>I8I8', fresh, now)
  redis.call('HSET', KEYS[7], key, stamp .. message)
  redis.call('SPUBLISH', KEYS[8], struct.pack('>BBc0', 2, #key, key) .. stamp .. message)
end

-- What is hidden does not stay pinned: it is unpinned when is_meant(body of the pin).
local function unpin(is_meant)
  local pinned = redis.call('HGET', KEYS[7], 'pin')
  if not pinned then return end
  local _, body = cmsgpack.unpack(string.sub(pinned, 17))
  if body.offset and is_meant(body) then set_value('pin', cmsgpack.pack('p') .. '\128') end
end

local function hide(offset, entry)
  redis.call('HSET', KEYS[2], offset, string.sub(entry, 1, 8) .. ARGV[11])
end

-- Hides what a user has said, '' = everybody, and drops what waits of them.
local function clear(user)
  local function is_meant(body)
    return user == '' or (body.from and body.from.id == user)
  end
  local rows = redis.call('HGETALL', KEYS[2])
  for at = 1, #rows, 2 do
    local entry = rows[at + 1]
    if string.byte(entry, 10) == 109 then -- kind m
      local _, body = cmsgpack.unpack(string.sub(entry, 9))
      if is_meant(body) then hide(rows[at], entry) end
    end
  end
  unpin(is_meant)
  drop_held_of(KEYS[10], KEYS[11], KEYS[8], now, user)
end

-- Ends a restriction; false = there was none.
local function forget(member)
  redis.call('HDEL', KEYS[13], member)
  redis.call('ZREM', KEYS[14], member)
  return redis.call('ZREM', KEYS[5], member) == 1
end

-- A hidden message keeps its time and its place; what replaces it says only that it was deleted.
local action, subject = ARGV[7], ARGV[8]
if action == 'delete' then
  local entry = redis.call('HGET', KEYS[2], subject)
  if not entry then return { epoch, 0, version, 0 } end
  hide(subject, entry)
  unpin(function(body) return string.format('%.0f', body.offset) == subject end)
elseif action == 'clear' then
  clear(subject)
end
local event, event_field = ARGV[10], nil
if action == 'approve' or action == 'deny' then
  drop_old_held(KEYS[10], KEYS[11], KEYS[8], now)
  local message = take_held(KEYS[10], KEYS[11], KEYS[8], now, subject)
  if not message then return { epoch, 0, version, 0 } end
  if action == 'approve' then
    local sender = string.match(subject, '^%d+%.(.*)$')
    if tonumber(redis.call('ZSCORE', KEYS[5], 'b:' .. sender) or '0') > now then
      return { epoch, 0, version, 0 }
    end
    local _, _, mid = cmsgpack.unpack(message)
    event, event_field = message, sender .. ' ' .. mid
  end
end
if action == 'restrict' then
  local banned = string.match(subject, '^b:(.*)$')
  if banned then clear(banned) end
  local till = ARGV[9] == '' and FOREVER or now + tonumber(ARGV[9]) * 1000
  for _, ended in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now)) do forget(ended) end
  redis.call('ZADD', KEYS[5], string.format('%.0f', till), subject)
elseif action == 'lift' then
  if not forget(subject) then return { epoch, 0, version, 0 } end
end
local pairs_from = 13
if action == 'goal' then
  for at = pairs_from, #ARGV, 2 do redis.call('HSET', KEYS[12], ARGV[at], ARGV[at + 1]) end
  redis.call('EXPIRE', KEYS[12], 604800)
elseif #ARGV >= pairs_from then
  version = redis.call('HINCRBY', KEYS[6], 'v', 1)
  for at = pairs_from, #ARGV, 2 do redis.call('HSET', KEYS[6], ARGV[at], ARGV[at + 1]) end
end
if action == 'value' or action == 'goal' then
  set_value(subject, ARGV[11])
end
local offset = 0
if event ~= '' then
  offset = top + 1
  local name = string.format('%.0f', offset)
  local stamp = string.format('%.0f', now)
  redis.call('HSET', KEYS[1], 'e', epoch, 'o', name, 't', stamp)
  redis.call('HSET', KEYS[2], name, struct.pack('>I8', now) .. event)
  redis.call('HDEL', KEYS[2], string.format('%.0f', offset - tonumber(ARGV[3])))
  redis.call('EXPIRE', KEYS[1], tonumber(ARGV[4]) + 604800)
  redis.call('EXPIRE', KEYS[2], ARGV[4])
  local head = struct.pack('>BBc0I8I8I4I4', 1, #epoch, epoch, offset, now, 1, #event)
  redis.call('SPUBLISH', KEYS[8], head .. event)
end
if redis.call('HSETNX', KEYS[3], '!', string.format('%.0f', now)) == 1 then
  redis.call('PEXPIRE', KEYS[3], tonumber(ARGV[5]) * 2)
end
local place = string.format('%.0f:%.0f', offset, now)
redis.call('HSET', KEYS[3], ARGV[6], place)
if event_field then redis.call('HSET', KEYS[3], event_field, place) end
local newest = redis.call('LINDEX', KEYS[9], 0)
local number = tonumber(newest and string.match(newest, '^%d+') or '0') + 1
local line = string.format('%.0f ', number) .. ARGV[12]
redis.call('LPUSH', KEYS[9], line)
redis.call('LTRIM', KEYS[9], 0, AUDIT_MAX - 1)
if action == 'restrict' then
  redis.call('HSET', KEYS[13], subject, line)
  redis.call('ZADD', KEYS[14], string.format('%.0f', number), subject)
end
return { epoch, offset, version, 1 }
