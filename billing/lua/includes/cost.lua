-- What a show costs at one price, from numbers alone: tariff.lua asks for a record, plain.lua has
-- none at hand. tariff.ts is the same in bigint.
local MINUTE_MS = 60000
-- Up to here a product and its remainder are exact.
local EXACT_MAX = 2 ^ 52
local PRORATA, STARTED_UNIT, TICKET = 'm', 'u', 't'

-- `before`, what came before this price, and what `ms` beyond its free time cost. price ≤ 1e9.
local function costAfter(before, model, price, min, unit, ms)
  if model == TICKET then
    return before + price
  end
  if ms <= 0 then
    return before
  end
  local cost, product = before, price * ms
  if model == STARTED_UNIT then
    cost = cost + math.ceil(ms / unit) * price
  else
    -- floor(price × ms / 60000) without leaving 2^53: where the product is large, whole minutes
    -- and the rest apart.
    if product >= EXACT_MAX then
      local rest = ms % MINUTE_MS
      cost = cost + price * ((ms - rest) / MINUTE_MS)
      product = price * rest
    end
    cost = cost + (product - product % MINUTE_MS) / MINUTE_MS
  end
  return cost < min and min or cost
end
