-- What every script that moves sessions begins and ends with: the timing, from the argument
-- `timing`, and what it writes. Needs shard.lua.
local QUANTUM, MAXGAP, GRACE, SETTLE = string.match(timing, '^(%d+) (%d+) (%d+) (%d+)$')
QUANTUM, MAXGAP, GRACE, SETTLE = whole(QUANTUM), whole(MAXGAP), whole(GRACE), whole(SETTLE)
local WARN_1_MS = 60000
-- `session, record` and `due, session` pairs that are to be written.
local newRecords, newDues = {}, {}

-- From and until which billed time and cost, and what of it lots have paid.
local function emitCharge(sid, sbill, bill, scost, cost, now, lotUse)
  events[#events + 1] = string.format('c %s %d %d %d %d %d %s', sid, sbill, bill, scost, cost,
    calendar(now), lotUse)
end

local function commitMoves()
  commit()
  if #newRecords > 0 then
    redis.call('HSET', K.sess, unpack(newRecords))
  end
  if #newDues > 0 then
    redis.call('ZADD', K.due, unpack(newDues))
  end
end
