-- sequence-batch: gives k messages of one channel their places, or refuses them, in one atomic
-- step: idempotency, ban, mute, room modes and rates are checked before the first write, so that
-- after a ban is acknowledged no message of that user can get an offset. Nothing is written when
-- nothing is accepted; what is sampled or shadow muted is told to moderators, in one packet. In a
-- room under review some messages wait for a moderator instead; tips are added to the room's sums.
-- KEYS[1] meta          hash    e epoch, o top offset, t time of the last message (ms), b the epoch
--   that this one goes on from
-- KEYS[2] history       hash    offset -> packed time and message
-- KEYS[3] mids          hash    "<sender> <mid>" -> "<offset>:<ms>", or "held:<ms>"; field ! holds
--   when it was begun
-- KEYS[4] mids-before   hash    the mids of the period before
-- KEYS[5] restrictions  zset    "b:<user>" ban, "m:<user>" mute, "s:<user>" shadow; score = until
--   (ms)
-- KEYS[6] users         hash    "t:<user>" time of the last message, "x:<user>" hash of its text,
--                               "r:<user>" rate, "!" rate of all ordinary messages
-- KEYS[7] settings      hash    v version, the modes: slow, unique, lock, links, emote, only, cap,
--   review, and the flags: online, private
-- KEYS[8] feed          pub/sub channel (sharded)
-- KEYS[9] held          hash    name -> packed time, reason and message
-- KEYS[10] held-order   zset    name; score = until (ms)
-- KEYS[11] tips         hash    sum of the goal, "n:<user>" names; see publish-tips.lua
-- KEYS[12] tippers      zset    user; score = sum (milli-credits)
-- ARGV[1] now           ms, 0 = the server's clock
-- ARGV[2] new epoch     1..16 characters, taken when the channel begins anew or has lost its tail
-- ARGV[3] known epoch   of the caller, '' = none
-- ARGV[4] known top     of the caller: a server that knows less has lost its tail: a new epoch goes
--   on from what is left
-- ARGV[5] history max   messages, 1..100000
-- ARGV[6] history ttl   seconds
-- ARGV[7] mid ttl       ms
-- ARGV[8] settings      version that the caller filtered texts by, '' = not filtered
-- ARGV[9...] messages   five each: sender, mid, flags, text hash, packed message
-- Returns: { epoch, ms, verdict, ... }; a verdict is an offset (new), "=<offset>:<ms>" (known mid),
--   "held:<ms>", or "<reason>:<ms to wait>"
-- Writes: meta, history, mids, users, held, held-order, tips, tippers; publishes one batch with all
--   accepted messages, and what is held or not shown to moderators
-- Cost: about 12 us + 1.5 us for each message
-- @include held
local CHECK_FREE, EXEMPT, HAS_LINK, NOT_EMOTE, GROUPS_FROM = 1, 2, 4, 8, 16
local HAS_WORD, INSIDER = 256, 512
local GROUPS = { 'followers_only', 'fans_only', 'tippers_only', 'members_only' }
local FIELDS = 5
local FIRST = 9
local USERS_MAX = 20000

local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function has(flags, bit)
  return math.floor(flags / bit) % 2 == 1
end

local meta = redis.call('HMGET', KEYS[1], 'e', 'o', 't')
local epoch, top = meta[1], tonumber(meta[2] or '0')
local known_top = tonumber(ARGV[4])
local is_new = not epoch
-- Offsets above the top were given before, to messages that are lost: never again in this epoch.
if is_new or (epoch == ARGV[3] and top < known_top) then epoch = ARGV[2] end
-- Time never goes back within a channel, whatever the clock does.
local last_ms = tonumber(meta[3] or '0')
if now < last_ms then now = last_ms end

local settings = nil
local function modes()
  if not settings then
    local row = redis.call('HMGET', KEYS[7],
      'v', 'slow', 'unique', 'lock', 'links', 'emote', 'only', 'burst', 'period', 'cap',
      'review', 'online', 'private')
    settings = {
      version = row[1] or '0', slow = tonumber(row[2] or '0'), unique = tonumber(row[3] or '0'),
      lock = row[4] == '1', links = row[5] == '1', emote = row[6] == '1', only = tonumber(row[7] or '0'),
      burst = tonumber(row[8] or '10'), period = tonumber(row[9] or '1500'), cap = tonumber(row[10] or '20'),
      review = row[11] or 'off', offline = row[12] == '0', private = row[13] == '1',
    }
  end
  return settings
end

-- What messages of this very batch did to their senders' state, to be written at the end.
local touched, states = {}, {}
local function state_of(sender)
  local state = states[sender]
  if not state then
    local row = redis.call('HMGET', KEYS[6], 't:' .. sender, 'x:' .. sender, 'r:' .. sender)
    state = { last = tonumber(row[1] or '0'), text = row[2], tat = tonumber(row[3] or '0') }
    states[sender] = state
    touched[#touched + 1] = sender
  end
  return state
end

-- Messages per second that people can read. What is beyond is told so and not sequenced, which
-- leaves no gap; the fan club, moderators, tips and a user's first message are never left out.
local FAN = 32
local room_tat = nil
local function is_sampled(flags, state)
  if has(flags, FAN) or state.tat == 0 then return false end
  local cap = modes().cap
  room_tat = room_tat or tonumber(redis.call('HGET', KEYS[6], '!') or '0')
  local tat = math.max(room_tat, now) + 1000 / cap
  if tat - now > 1000 then return true end
  room_tat = tat
  return false
end

local restrictions = {}
local function restricted(kind, sender)
  local member = kind .. sender
  local till = restrictions[member]
  if till == nil then
    till = tonumber(redis.call('ZSCORE', KEYS[5], member) or '0')
    restrictions[member] = till
  end
  return till > now and till - now or nil
end

local function wait(reason, ms)
  return reason .. ':' .. string.format('%.0f', math.ceil(ms))
end

-- Why a message waits for a moderator: "words", "links" or "all"; nil = it does not.
local function review(flags)
  local rule = modes().review
  local isMeant = rule == 'all' or (rule == 'links' and has(flags, HAS_LINK)) or
    (rule == 'words' and has(flags, HAS_WORD))
  return isMeant and rule or nil
end

local holds = {}
-- nil = may be sequenced
local function refuse(sender, flags, text)
  local left = restricted('b:', sender)
  if left then return wait('banned', left) end
  left = restricted('m:', sender)
  if left then return wait('muted', left) end
  local mode = modes()
  if ARGV[8] ~= '' and mode.version ~= ARGV[8] then return 'stale_settings:0' end
  if has(flags, EXEMPT) then return nil end
  if mode.offline then return 'room_offline:0' end
  if mode.private and not has(flags, INSIDER) then return 'room_private:0' end
  if mode.lock then return 'room_locked:0' end
  if mode.only > 0 then
    local bit, is_member = GROUPS_FROM, false
    local first = nil
    for at = 1, #GROUPS do
      if has(mode.only, 2 ^ (at - 1)) then
        first = first or GROUPS[at]
        is_member = is_member or has(flags, bit)
      end
      bit = bit * 2
    end
    if not is_member then return first .. ':0' end
  end
  if mode.links and has(flags, HAS_LINK) then return 'links_blocked:0' end
  if mode.emote and has(flags, NOT_EMOTE) then return 'emote_only:0' end
  local reason = review(flags)
  if not reason and has(flags, HAS_WORD) then return 'word_blocked:0' end
  local state = state_of(sender)
  if mode.slow > 0 and state.last + mode.slow * 1000 > now then
    return wait('slow_mode', state.last + mode.slow * 1000 - now)
  end
  if mode.unique > 0 and text ~= '' and state.text == text and state.last + mode.unique * 1000 > now then
    return 'duplicate_text:0'
  end
  -- Generic cell rate: `burst` messages at once, then one every `period` ms, over all tabs and
  -- nodes.
  local tat = math.max(state.tat, now) + mode.period
  if tat - now > mode.burst * mode.period then
    return wait('rate_limited', tat - now - mode.burst * mode.period)
  end
  if restricted('s:', sender) then return 'shadow:0' end
  if reason then
    local waiting = redis.call('ZCOUNT', KEYS[10], string.format('%.0f', now), '+inf')
    if waiting + #holds >= HELD_MAX then return 'review_full:10000' end
  elseif is_sampled(flags, state) then
    return 'sampled:0'
  end
  state.tat, state.last, state.text = tat, now, text
  return reason and 'held:' .. reason or nil
end

-- Sums for goal and leaderboard; a worker that sees the tip has them published soon.
local function count_tip(message)
  local _, body = cmsgpack.unpack(message)
  local amount = type(body) == 'table' and type(body.amount) == 'string' and tonumber(body.amount)
  if not amount or amount < 1 or amount > 1e12 then return end
  redis.call('HINCRBY', KEYS[11], 'sum', string.format('%.0f', math.floor(amount)))
  redis.call('HSET', KEYS[11], 'due', '1')
  local from = type(body.from) == 'table' and body.from or {}
  if type(from.id) == 'string' and from.id ~= '' and type(from.name) == 'string' then
    redis.call('ZINCRBY', KEYS[12], string.format('%.0f', math.floor(amount)), from.id)
    redis.call('HSET', KEYS[11], 'n:' .. from.id, from.name)
  end
  redis.call('EXPIRE', KEYS[11], 604800)
  redis.call('EXPIRE', KEYS[12], 86400)
end

-- Verdicts of which only the sender and moderators see the message.
local UNSEEN = { ['sampled:0'] = 'sampled', ['shadow:0'] = 'shadow' }
local unseen = {}
-- Body { msgs = [[state, kind, body, mid], ...] }; the message is already the last three, packed.
local function tell_unseen()
  if #unseen == 0 then return end
  redis.call('SPUBLISH', KEYS[8], struct.pack('>BI8', 3, now) .. cmsgpack.pack('o') .. '\129' ..
    cmsgpack.pack('msgs') .. struct.pack('>BI2', 220, #unseen) .. table.concat(unseen))
end

local begun = tonumber(redis.call('HGET', KEYS[3], '!') or '0')
local is_rotating = begun > 0 and begun + tonumber(ARGV[7]) < now
local verdicts, accepted, seen = { epoch, now }, {}, {}
local next_offset = top
for at = FIRST, #ARGV, FIELDS do
  local sender, mid, flags = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local field = sender .. ' ' .. mid
  local known = seen[field]
  if not known and not is_new then
    known = redis.call('HGET', KEYS[3], field) or redis.call('HGET', KEYS[4], field)
  end
  local verdict
  if known then
    verdict = '=' .. known
  elseif not has(flags, CHECK_FREE) then
    verdict = refuse(sender, flags, ARGV[at + 3])
  end
  local reason = verdict and string.match(verdict, '^held:(%l+)$')
  if reason then
    verdict = string.format('held:%.0f', now)
    holds[#holds + 1] = { reason = reason, sender = sender, message = ARGV[at + 4] }
    seen[field] = verdict
  elseif not verdict then
    next_offset = next_offset + 1
    verdict = next_offset
    accepted[#accepted + 1] = { offset = next_offset, field = field, message = ARGV[at + 4] }
    seen[field] = string.format('%.0f:%.0f', next_offset, now)
  end
  if UNSEEN[verdict] then
    unseen[#unseen + 1] = '\148' .. cmsgpack.pack(UNSEEN[verdict]) .. ARGV[at + 4]
  end
  verdicts[#verdicts + 1] = verdict
end
tell_unseen()
if #accepted == 0 and #holds == 0 then
  verdicts[1] = meta[1] or epoch
  return verdicts
end

if is_new then redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4]) end
if is_rotating and not is_new then
  redis.call('UNLINK', KEYS[4])
  redis.call('RENAME', KEYS[3], KEYS[4])
  redis.call('PEXPIRE', KEYS[4], ARGV[7])
  begun = 0
end
local history_max = tonumber(ARGV[5])
local entries, mids, old = {}, {}, {}
local feed = { struct.pack('>BBc0I8I8I4', 1, #epoch, epoch, top + 1, now, #accepted) }
local stamp = struct.pack('>I8', now)
if begun == 0 or is_new then
  mids[1], mids[2] = '!', string.format('%.0f', now)
end
for field, place in pairs(seen) do
  mids[#mids + 1] = field
  mids[#mids + 1] = place
end
for _, one in ipairs(accepted) do
  local offset = string.format('%.0f', one.offset)
  entries[#entries + 1] = offset
  entries[#entries + 1] = stamp .. one.message
  if string.sub(one.message, 1, 2) == '\161t' then count_tip(one.message) end
  if one.offset > history_max then old[#old + 1] = string.format('%.0f', one.offset - history_max) end
  feed[#feed + 1] = struct.pack('>I4', #one.message)
  feed[#feed + 1] = one.message
end
redis.call('HSET', KEYS[1],
  'e', epoch, 'o', string.format('%.0f', next_offset), 't', string.format('%.0f', now))
if meta[1] and meta[1] ~= epoch then redis.call('HSET', KEYS[1], 'b', meta[1]) end
if #entries > 0 then redis.call('HSET', KEYS[2], unpack(entries)) end
redis.call('HSET', KEYS[3], unpack(mids))
if #old > 0 then redis.call('HDEL', KEYS[2], unpack(old)) end
-- Meta outlives the history, so that an old position is told from one of another epoch.
redis.call('EXPIRE', KEYS[1], tonumber(ARGV[6]) + 604800)
redis.call('EXPIRE', KEYS[2], ARGV[6])
redis.call('PEXPIRE', KEYS[3], tonumber(ARGV[7]) * 2)
if #touched > 0 then
  if redis.call('HLEN', KEYS[6]) > USERS_MAX then redis.call('UNLINK', KEYS[6]) end
  local rows = {}
  for _, sender in ipairs(touched) do
    local state = states[sender]
    rows[#rows + 1] = 'r:' .. sender
    rows[#rows + 1] = string.format('%.0f', state.tat)
    if modes().slow > 0 or modes().unique > 0 then
      rows[#rows + 1] = 't:' .. sender
      rows[#rows + 1] = string.format('%.0f', state.last)
      rows[#rows + 1] = 'x:' .. sender
      rows[#rows + 1] = state.text or ''
    end
  end
  if room_tat then
    rows[#rows + 1] = '!'
    rows[#rows + 1] = string.format('%.3f', room_tat)
  end
  redis.call('HSET', KEYS[6], unpack(rows))
  redis.call('EXPIRE', KEYS[6], 3600)
end
if #accepted > 0 then redis.call('SPUBLISH', KEYS[8], table.concat(feed)) end
if #holds > 0 then drop_old_held(KEYS[9], KEYS[10], KEYS[8], now) end
for _, one in ipairs(holds) do
  one.name = string.format('%.0f.%s', redis.call('HINCRBY', KEYS[1], 'w', 1), one.sender)
  hold(KEYS[9], KEYS[10], KEYS[8], now, one)
end
return verdicts
