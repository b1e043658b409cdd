-- count-hit: counts one hit in a window that starts with the first hit and then ends by itself.
-- KEYS[1] counter  string  hits in the running window
-- ARGV[1] window  ms  1…86400000
-- Returns: { hits, ms left in the window }
-- Writes: the counter and its expiry
-- Cost: O(1)
local hits = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = tonumber(ARGV[1])
  redis.call('PEXPIRE', KEYS[1], left)
end
return { hits, left }
