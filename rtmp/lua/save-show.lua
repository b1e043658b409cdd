-- save-show: keeps the state of a show, unless another node has become its owner, and appends the
-- segments that are new to the log of its DVR window.
-- KEYS[1] show  hash    f fence, n node, s session, d state (JSON)
-- KEYS[2] dvr   stream  e segment with the name of its playlist (JSON)
-- ARGV[1] fence     as acquire-show gave it
-- ARGV[2] state     JSON
-- ARGV[3] ttl       ms, 1000..
-- ARGV[4] dvr keep  entries, 0..
-- ARGV[5] dvr ttl   ms, 1000..
-- ARGV[6...] segments  JSON, 0..256
-- Returns: 1 saved, 0 fenced off
-- Writes: the show; the log when there are segments
-- Cost: about 5 us + the length of the state + 2 us per segment
local fence = redis.call('HGET', KEYS[1], 'f')
if fence and tonumber(fence) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'f', ARGV[1], 'd', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
for i = 6, #ARGV do
  redis.call('XADD', KEYS[2], '*', 'e', ARGV[i])
end
if #ARGV > 5 then
  redis.call('XTRIM', KEYS[2], 'MAXLEN', ARGV[4])
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
return 1
