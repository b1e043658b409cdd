-- Spending from a wallet: bonus lots first (by priority, expiry, id), then cash. Needs shard.lua.
-- A lot is { id, amount, expiresMs (0 = never), priority, scope }, kept sorted in the order of
-- spending.
local SCOPE_SHOWS = 1

local function isUsable(lot, forShows, now)
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
  return usable(w, true, now) - w[HELD]
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
