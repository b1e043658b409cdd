-- Spending from a wallet: bonus lots first (by priority, expiry, id), then cash. Needs shard.lua
-- and limits.lua.
-- A lot is { id, amount, expiresMs (0 = never), priority, scope }, kept sorted in the order of
-- spending.
local SCOPE_SHOWS = 1

local function isUsable(lot, forShows, now)
  now = calendar(now)
  return (lot[3] == 0 or lot[3] > now) and (forShows or lot[5] ~= SCOPE_SHOWS)
end

-- What could be spent now if nothing were held.
local function usable(w, forShows, now)
  local amount = w[CASH]
  for i = 1, #w[LOTS] do
    if isUsable(w[LOTS][i], forShows, now) then
      amount = amount + w[LOTS][i][2]
    end
  end
  return amount
end

-- What shows may still reserve; below zero when a lot expired under a hold.
local function free(w, now)
  return math.min(usable(w, true, now) - w[HELD], dayLeft(w, now))
end

-- Takes `amount` and answers its provenance: `-`, or `lot:amount` joined by commas; the rest is
-- cash.
local function spend(w, amount, forShows, now)
  local left, used, kept = amount, {}, {}
  for i = 1, #w[LOTS] do
    local lot = w[LOTS][i]
    if left > 0 and isUsable(lot, forShows, now) then
      local part = math.min(left, lot[2])
      lot[2] = lot[2] - part
      left = left - part
      used[#used + 1] = lot[1] .. ':' .. digits(part)
    end
    if lot[2] > 0 then
      kept[#kept + 1] = lot
    end
  end
  if left > w[CASH] then
    error('FAULT spend beyond the balance')
  end
  w[LOTS] = kept
  w[CASH] = w[CASH] - left
  sum = sum - amount
  return #used == 0 and '-' or table.concat(used, ',')
end

-- Keeps the order of spending: priority, expiry (never is last), id. A known lot grows.
local function addLot(w, lot)
  for i = 1, #w[LOTS] do
    if w[LOTS][i][1] == lot[1] then
      w[LOTS][i][2] = w[LOTS][i][2] + lot[2]
      return
    end
  end
  w[LOTS][#w[LOTS] + 1] = lot
  table.sort(w[LOTS], function(a, b)
    if a[4] ~= b[4] then
      return a[4] < b[4]
    end
    local aEnds, bEnds = a[3] == 0 and MILLI_MAX or a[3], b[3] == 0 and MILLI_MAX or b[3]
    if aEnds ~= bEnds then
      return aEnds < bEnds
    end
    return tonumber(a[1]) < tonumber(b[1])
  end)
end

-- Breakage: what has expired leaves the wallet. What open sessions hold stays until their next
-- refill.
local function expireLots(id, w, now)
  now = calendar(now)
  local spare, kept, hasChanged = total(w) - w[HELD], {}, false
  for i = 1, #w[LOTS] do
    local lot = w[LOTS][i]
    local isOver = lot[3] ~= 0 and lot[3] <= now
    local part = isOver and math.min(lot[2], spare) or 0
    if part > 0 then
      lot[2], spare, sum, hasChanged = lot[2] - part, spare - part, sum - part, true
      emit('e', id, lot[1], digits(part), digits(now))
    end
    if lot[2] > 0 then
      kept[#kept + 1] = lot
    end
  end
  if hasChanged then
    w[LOTS] = kept
    touchWallet(id)
  end
  return hasChanged
end
