-- Proofs of life by all the rules, for the sessions that are not plain. Needs session.lua, and of
-- touch-sessions.lua what it has read, `odd` and `rows`.
local function note(s, source)
  if s[EVID] == 0 and not redis.call('HGET', K.live, s[ROOM]) then
    s[STOP] = now
  end
  if IS_WEB[source] then
    s[WEB] = now
  elseif source == PLAY_BEGINS then
    s[PLAYS] = s[PLAYS] + 1
  elseif source == PLAY_ENDS then
    s[PLAYS] = math.max(0, s[PLAYS] - 1)
  end
end

-- The viewer's last RTMP play ended and no socket or playlist request vouches for the viewer.
local function hasLeft(s, source)
  return source == PLAY_ENDS and s[PLAYS] == 0 and now - s[WEB] > MAXGAP
end

local function touch(sid, s, source)
  if s[STATE] == 0 then
    return 'ended', -1, 0, math.max(0, now - s[ENDED])
  end
  local w = wallets[s[WALLET]]
  schedule[sid] = true
  note(s, source)
  advance(s, w, now)
  if w[FLAGS] % 2 == FROZEN then
    finish(sid, s, w, now, 'frozen')
    return 'cut', 0, 0
  end
  if hasLeft(s, source) then
    finish(sid, s, w, now, 'left')
    return 'ended', -1, 0
  end
  refill(s, w, now)
  if isOver(s, now) then
    finish(sid, s, w, now, whyOver(s, w, now))
    return 'cut', 0, 0
  end
  settleIfDue(sid, s, now)
  local left = timeLeft(s, w, now)
  local crossed = warn(s, left)
  return s[WARN] > 0 and 'warn' or 'ok', left < FOREVER / 2 and left or -1, crossed
end

-- Two sessions of one wallet see each other's holds.
local verdicts = {}
for _, i in ipairs(odd) do
  local id, owner = ids[i], owners[i]
  wallets[owner] = wallets[owner] or unpackWallet(purses[i])
  local s = sessions[id] or addSession(id, records[i])
  verdicts[i] = { touch(id, s, sources[i]) }
end
commitSessions(now)
for i, verdict in pairs(verdicts) do
  local s, w = sessions[ids[i]], wallets[owners[i]]
  rows[i] = string.format('%s %s %d %d %d %s %d %s %d %d', s[WALLET], s[ROOM], total(w), w[HELD],
    w[VERSION], verdict[1], verdict[2], s[REASON], verdict[3], verdict[4] or 0)
end
