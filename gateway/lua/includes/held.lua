-- Messages that wait for a moderator: a hash of records, their names in a zset by the time (ms)
-- after which nobody sees them any more. A name is "<number>.<sender>"; a record holds the time,
-- the rule that held it, and the packed message.
local HELD_MAX, HELD_TTL_MS = 200, 600000

-- To moderators; may be lost, so they can also ask for the list.
local function tell_moderators(feed, now, body)
  redis.call('SPUBLISH', feed,
    struct.pack('>BI8', 3, now) .. cmsgpack.pack('h') .. cmsgpack.pack(body))
end

-- The packed message of a held one, which is out of the queue then; nil when it does not wait.
local function take_held(records, order, feed, now, name)
  local record = redis.call('HGET', records, name)
  if not record then return nil end
  redis.call('HDEL', records, name)
  redis.call('ZREM', order, name)
  tell_moderators(feed, now, { held = name, gone = true })
  return string.sub(record, 10 + string.byte(record, 9))
end

local function drop_old_held(records, order, feed, now)
  local old = redis.call('ZRANGEBYSCORE', order, '-inf', string.format('%.0f', now))
  for _, name in ipairs(old) do take_held(records, order, feed, now, name) end
end

-- All of one sender; '' = of everybody.
local function drop_held_of(records, order, feed, now, sender)
  for _, name in ipairs(redis.call('ZRANGE', order, 0, -1)) do
    if sender == '' or string.match(name, '^%d+%.(.*)$') == sender then
      take_held(records, order, feed, now, name)
    end
  end
end

local function hold(records, order, feed, now, one)
  local _, body = cmsgpack.unpack(one.message)
  redis.call('HSET', records, one.name,
    struct.pack('>I8Bc0', now, #one.reason, one.reason) .. one.message)
  redis.call('ZADD', order, string.format('%.0f', now + HELD_TTL_MS), one.name)
  redis.call('PEXPIRE', records, HELD_TTL_MS * 2)
  redis.call('PEXPIRE', order, HELD_TTL_MS * 2)
  tell_moderators(feed, now, {
    held = one.name, from = body.from, text = body.text, reason = one.reason,
  })
end
