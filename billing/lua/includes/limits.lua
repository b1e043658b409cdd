-- What a viewer may spend, by own wish or the site's. Needs shard.lua. A wallet's limits are
-- { per show, per minute, per day, per tip, version, day, spent that day, minute, spent in it };
-- 0 = no such limit. What was spent before a limit was set does not count; days and minutes are
-- UTC.
local PERSHOW, PERMINUTE, PERDAY, TIPMAX, LIMVERSION = 1, 2, 3, 4, 5
local LIMDAY, DAYSPENT, LIMMINUTE, MINUTESPENT = 6, 7, 8, 9
local MINUTE = 60000

local function countSpend(w, amount, now)
  local lim = w[LIM]
  if not lim then
    return
  end
  now = calendar(now)
  local day, minute = math.floor(now / DAY_MS), math.floor(now / MINUTE)
  lim[DAYSPENT] = (lim[LIMDAY] == day and lim[DAYSPENT] or 0) + amount
  lim[MINUTESPENT] = (lim[LIMMINUTE] == minute and lim[MINUTESPENT] or 0) + amount
  lim[LIMDAY], lim[LIMMINUTE] = day, minute
end

-- What may still be reserved today; below zero when the limit was lowered under a hold.
local function dayLeft(w, now)
  local lim = w[LIM]
  if not lim or lim[PERDAY] == 0 then
    return MILLI_MAX
  end
  now = calendar(now)
  local spent = lim[LIMDAY] == math.floor(now / DAY_MS) and lim[DAYSPENT] or 0
  return lim[PERDAY] - spent - w[HELD]
end

-- The most that a minute of a show may cost.
local function minuteLimit(w)
  local lim = w[LIM]
  return lim and lim[PERMINUTE] > 0 and lim[PERMINUTE] or MILLI_MAX
end

local function minuteLeft(w, now)
  local lim = w[LIM]
  if not lim or lim[PERMINUTE] == 0 then
    return MILLI_MAX
  end
  now = calendar(now)
  local spent = lim[LIMMINUTE] == math.floor(now / MINUTE) and lim[MINUTESPENT] or 0
  return lim[PERMINUTE] - spent
end
