-- adopt-done: moves the done events that a node owes to another node, which sends them instead.
-- Each event is given to one caller; a node may adopt its own from before a restart.
-- KEYS[1] from   hash  session -> JSON
-- KEYS[2] to     hash  session -> JSON
-- KEYS[3] nodes  set   nodes that owe events
-- ARGV[1] from   node id of KEYS[1]
-- ARGV[2] to     node id of KEYS[2]
-- Returns: { session, JSON, session, JSON, ... }
-- Writes: all keys
-- Cost: about 5 us + 2 us for each session
local owed = redis.call('HGETALL', KEYS[1])
if KEYS[1] ~= KEYS[2] then
  for i = 1, #owed, 2 do
    redis.call('HSET', KEYS[2], owed[i], owed[i + 1])
  end
  redis.call('DEL', KEYS[1])
  redis.call('SREM', KEYS[3], ARGV[1])
  if #owed > 0 then redis.call('SADD', KEYS[3], ARGV[2]) end
end
return owed
