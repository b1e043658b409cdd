-- Shared by the member scripts: time, numbers, and the sweep of leases that have run out.
local function clockMs(given)
  local now = tonumber(given)
  if now > 0 then
    return now
  end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function whole(x)
  return string.format('%.0f', x)
end

-- Versions and incarnations grow with the clock, so that they go on growing when Redis lost them.
local function nextNumber(last, now)
  return math.max((tonumber(last) or 0) + 1, now)
end

local function forget(leases, records, loads, member)
  redis.call('ZREM', leases, member)
  redis.call('HDEL', records, member)
  redis.call('HDEL', loads, member)
end

-- Removes up to 1000 members whose lease has ended; returns how many.
local function sweep(leases, records, loads, now)
  local gone = redis.call('ZRANGEBYSCORE', leases, '-inf', whole(now), 'LIMIT', 0, 1000)
  for _, member in ipairs(gone) do
    forget(leases, records, loads, member)
  end
  return #gone
end
