-- drop-presence: takes a worker's users out of a room when its lease has run out; those who are at
-- another worker as well stay.
-- KEYS[1] counts   hash  worker -> "<reports>:<until ms>"; # version; ! what was told last
-- KEYS[2] order    zset  user; score = rank * 1e15 + arrival (ms)
-- KEYS[3] people   hash  user -> "<workers>|<rank>|<level>|<name>"
-- KEYS[4] leaving  zset  users at no worker; score = end of their grace (ms)
-- KEYS[5] own      set   users at the stale worker
-- KEYS[6] feed     pub/sub channel (sharded)
-- ARGV[1] now          ms, 0 = the server's clock
-- ARGV[2] worker       the stale one
-- ARGV[3] notices max  people in a room above which there are no notices
-- Returns: 1 dropped / 0 it is not stale
-- Writes: counts, order, people, leaving, own
-- Cost: about 10 us + 3 us for each user
-- @include clock
local K = {
  counts = KEYS[1], order = KEYS[2], people = KEYS[3], leaving = KEYS[4], feed = KEYS[6],
}
local NOW, GRACE, NOTICES_MAX = clockMs(ARGV[1]), 0, tonumber(ARGV[3])
local row = redis.call('HGET', KEYS[1], ARGV[2])
local till = row and string.match(row, '^%d+:(%d+)$')
if not till or tonumber(till) > NOW then return 0 end
-- @include presence
for _, user in ipairs(redis.call('SMEMBERS', KEYS[5])) do depart(user, true) end
redis.call('UNLINK', KEYS[5])
redis.call('HDEL', KEYS[1], ARGV[2])
settle()
return 1
