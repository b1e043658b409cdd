-- What a session costs as a pure function of its billable milliseconds, and the inverse. tariff.ts
-- is the same in bigint. Needs cost.lua. A session record is an array; the indexes below are its
-- only description.
local WALLET, ROOM, PAYEE, MODEL, PRICE, BPS = 1, 2, 3, 4, 5, 6
local FREE, MIN, UNIT, MAXMS, MAXCOST, OPENED = 7, 8, 9, 10, 11, 12
local STATE, EVID, BILL, CHARGED, HOLD, GBILL = 13, 14, 15, 16, 17, 18
local WARN, STOP, SKIP, SCOST, SBILL, SAT = 19, 20, 21, 22, 23, 24
local WEB, PLAYS, REASON, CUTS, ENDED = 25, 26, 27, 28, 29
local SEGCOST, SEGBILL, LOTUSE = 30, 31, 32
-- While a session is open, its place in the due set stands where the end will: unpacking an array
-- of more than 32 costs a tenth of a touch.
local DUE = ENDED
-- nil, or the tariff that follows as a record with the same indexes.
local NEXT = 33
-- What earlier visits of the viewer to the same show have counted and cost; nil at the first visit.
-- With these NEXT is false where there is none: the record stays an array, which touch-sessions
-- reads by place.
local USEDMS, USEDCOST = 34, 35
local FOREVER = 9e15

local TARIFF_FORM = '^(%a) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$'

-- A tariff from its text, as a record with the indexes of a session.
local function readTariff(text)
  local model, price, bps, freeMs, min, unit, maxMs, maxCost = string.match(text, TARIFF_FORM)
  return {
    [MODEL] = model, [PRICE] = whole(price), [BPS] = whole(bps), [FREE] = whole(freeMs),
    [MIN] = whole(min), [UNIT] = whole(unit), [MAXMS] = whole(maxMs), [MAXCOST] = whole(maxCost),
  }
end

local function tariffText(s)
  return string.format('%s %.0f %.0f %.0f %.0f %.0f %.0f %.0f', s[MODEL], s[PRICE], s[BPS], s[FREE],
    s[MIN], s[UNIT], s[MAXMS], s[MAXCOST])
end

-- Billable ms before which nothing more is to pay: free time, and what was paid for and not used.
-- FOREVER when nothing is ever to pay.
local function paidUntil(s)
  local paid = s[CHARGED]
  while s[NEXT] and s[NEXT][SEGCOST] <= paid do
    s = s[NEXT]
  end
  if s[PRICE] == 0 or s[MODEL] == TICKET then
    return FOREVER
  end
  local start, left = s[SEGBILL] + s[FREE], paid - s[SEGCOST]
  if s[MODEL] == STARTED_UNIT then
    return start + math.floor(left / s[PRICE]) * s[UNIT]
  end
  local rest = left % s[PRICE]
  return start + (left - rest) / s[PRICE] * MINUTE_MS + math.ceil(rest * MINUTE_MS / s[PRICE])
end

-- Least charge and limits are for the whole show: what earlier visits, of `ms` and `cost`, have
-- left of them. A ticket brings its own time. 0 is no limit, so a limit that is used up leaves 1.
local function leaveRest(t, ms, cost)
  t[MIN] = math.max(0, t[MIN] - cost)
  if t[MAXMS] > 0 and t[MODEL] ~= TICKET then
    t[MAXMS] = math.max(1, t[MAXMS] - ms)
  end
  if t[MAXCOST] and t[MAXCOST] > 0 then
    t[MAXCOST] = math.max(1, t[MAXCOST] - cost)
  end
  return t
end

-- What a minute costs; a ticket is no matter of minutes.
local function ratePerMinute(t)
  if t[MODEL] == TICKET then
    return 0
  end
  return t[MODEL] == PRORATA and t[PRICE] or math.ceil(t[PRICE] * MINUTE_MS / t[UNIT])
end

-- Cost of the session when `bill` ms are billable. Grows with `bill`, never shrinks.
local function costOf(s, bill)
  while s[NEXT] and bill > s[NEXT][SEGBILL] do
    s = s[NEXT]
  end
  local ms = bill - s[SEGBILL] - s[FREE]
  return costAfter(s[SEGCOST], s[MODEL], s[PRICE], s[MIN], s[UNIT], ms)
end

local function segmentWithin(s, limit)
  local left = limit - s[SEGCOST]
  if s[PRICE] == 0 or s[MODEL] == TICKET then
    return FOREVER
  end
  local start = s[SEGBILL] + s[FREE]
  if limit < s[MIN] or left < 0 then
    return start
  end
  if s[MODEL] == STARTED_UNIT then
    return start + math.floor(left / s[PRICE]) * s[UNIT]
  end
  -- Largest t with floor(price × t / 60000) ≤ left is ceil((left + 1) × 60000 / price) − 1.
  local rest = (left + 1) % s[PRICE]
  local minutes = (left + 1 - rest) / s[PRICE]
  return start + minutes * MINUTE_MS + math.ceil(rest * MINUTE_MS / s[PRICE]) - 1
end

-- The most billable ms whose cost is at most `limit` (≥ the cost so far); FOREVER when there is no
-- end.
local function billWithin(s, limit)
  local bill = segmentWithin(s, limit)
  while s[NEXT] and bill >= s[NEXT][SEGBILL] do
    s = s[NEXT]
    bill = math.max(s[SEGBILL], segmentWithin(s, limit))
  end
  return bill
end
