-- Who is in a room. Needs K (counts, order, people, leaving, feed), NOW (ms), GRACE (ms) and
-- NOTICES_MAX. Every worker has its own set of users; a user counts once however many sets hold it.
-- What is noted here goes out once, in settle().
local ANON_RANK = 3
local NOTICE_BATCH_MAX, KEEP_MS = 20, 3600000

-- Grows with each who comes or goes, and goes on growing when Redis has forgotten the room.
local version = tonumber(redis.call('HGET', K.counts, '#') or math.floor(NOW / 1000))
local notices = {}

local function read_person(user)
  local row = redis.call('HGET', K.people, user)
  if not row then return nil end
  local refs, rank, level, name = string.match(row, '^(%d+)|(%d)|(%l+)|(.*)$')
  return { refs = tonumber(refs), rank = tonumber(rank), level = level, name = name }
end

local function write_person(user, one)
  redis.call('HSET', K.people, user,
    string.format('%d|%d|%s|%s', one.refs, one.rank, one.level, one.name))
end

local function note(user, one, is)
  version = version + 1
  if one.rank == ANON_RANK then return end
  notices[#notices + 1] = {
    user = { id = user, name = one.name }, is = is, level = one.level, version = version,
  }
end

local function remove(user, one)
  redis.call('HDEL', K.people, user)
  redis.call('ZREM', K.order, user)
  redis.call('ZREM', K.leaving, user)
  note(user, one, 'out')
end

local function arrive(user, rank, level, name)
  local known = read_person(user)
  local one = { refs = (known and known.refs or 0) + 1, rank = rank, level = level, name = name }
  if known and known.refs == 0 then redis.call('ZREM', K.leaving, user) end
  write_person(user, one)
  if known and known.rank == rank then return end
  redis.call('ZADD', K.order, string.format('%.0f', rank * 1e15 + NOW), user)
  if known then version = version + 1 else note(user, one, 'in') end
end

-- Of somebody who is here: another level or name, which lists show when they are asked for anew.
local function change(user, rank, level, name)
  local known = read_person(user)
  if not known then return end
  if known.rank == rank and known.level == level and known.name == name then return end
  write_person(user, { refs = known.refs, rank = rank, level = level, name = name })
  if known.rank ~= rank then
    redis.call('ZADD', K.order, string.format('%.0f', rank * 1e15 + NOW), user)
  end
  version = version + 1
end

-- Without grace for who has said so, or has been away for long enough.
local function depart(user, is_final)
  local one = read_person(user)
  if not one then return end
  one.refs = one.refs - 1
  if one.refs <= 0 and is_final then return remove(user, one) end
  one.refs = math.max(0, one.refs)
  write_person(user, one)
  if one.refs == 0 then
    redis.call('ZADD', K.leaving, string.format('%.0f', NOW + GRACE), user)
  end
end

-- Ends the grace of those who have not come back. Returns the number of people.
local function settle()
  local over = redis.call('ZRANGEBYSCORE', K.leaving, '-inf', string.format('%.0f', NOW),
    'LIMIT', 0, 1000)
  for _, user in ipairs(over) do remove(user, read_person(user)) end
  local count = redis.call('ZCARD', K.order)
  if count <= NOTICES_MAX and #notices <= NOTICE_BATCH_MAX then
    for _, notice in ipairs(notices) do
      redis.call('SPUBLISH', K.feed,
        struct.pack('>BI8', 3, NOW) .. cmsgpack.pack('j') .. cmsgpack.pack(notice))
    end
  end
  redis.call('HSET', K.counts, '#', string.format('%.0f', version))
  for _, key in ipairs({ K.counts, K.order, K.people, K.leaving }) do
    redis.call('PEXPIRE', key, KEEP_MS)
  end
  return count
end
