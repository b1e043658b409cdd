#!lua flags=no-writes
-- read-session: what one session has cost and how it stands; changes nothing
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] sess  hash  session → record
-- ARGV[1] session  26 characters
-- Returns: { wallet, room, state 0|1, reason, charged, bill ms, opened } or {} when unknown
-- Writes: nothing
-- Cost: O(1)
local K = { meta = KEYS[1], sess = KEYS[2] }
-- @include shard
-- @include cost
-- @include tariff
local packed = redis.call('HGET', K.sess, ARGV[1])
if not packed then
  return {}
end
local s = cmsgpack.unpack(packed)
return {
  s[WALLET], s[ROOM], digits(s[STATE]), s[REASON], digits(s[CHARGED]), digits(s[BILL]),
  digits(s[OPENED]),
}
