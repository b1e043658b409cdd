-- Shared: the time in ms, given or by the server's clock.
local function clockMs(given)
  local now = tonumber(given)
  if now > 0 then return now end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
