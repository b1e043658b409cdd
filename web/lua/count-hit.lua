-- count-hit: counts one hit if fewer than the limit lie within the window that ends now
-- KEYS[1] hits  list  times of the counted hits, Unix ms, oldest first; at most `max`
-- ARGV[1] window  ms  1…86400000
-- ARGV[2] max  hits  1…1000000; what comes beyond is refused and not counted
-- ARGV[3] step  hits  0…1  0 only looks
-- ARGV[4] now  ms  Unix time, 0 = the server's
-- Returns: { hits in the window, max + 1 for a refused one, ms until the oldest leaves it }
-- Writes: the hits and their expiry
-- Cost: O(hits that have left the window), each once
local window, max, step = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = tonumber(ARGV[4])
if now == 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local hits = redis.call('LLEN', KEYS[1])
local oldest = tonumber(redis.call('LINDEX', KEYS[1], 0) or now)
while hits > 0 and oldest <= now - window do
  redis.call('LPOP', KEYS[1])
  hits = hits - 1
  oldest = tonumber(redis.call('LINDEX', KEYS[1], 0) or now)
end
if step == 1 then
  if hits < max then
    redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
    redis.call('PEXPIRE', KEYS[1], window)
  end
  hits = hits + 1
end
return { hits, oldest + window - now }
