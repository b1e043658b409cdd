#!lua flags=allow-oom
-- end-session: charges up to now and ends a session; ending again confirms the notice of the first
-- end; a full Redis does not refuse it, for each session ends but once
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- KEYS[3] out  stream  outbox
-- KEYS[4] sess  hash  session → record
-- KEYS[5] due  zset  session by next look
-- KEYS[6] room  zset  open sessions by room
-- ARGV[1] now  ms, 0 = server time
-- ARGV[2] timing  `quantum maxGap grace settle` in ms
-- ARGV[3] session  26 characters
-- ARGV[4] reason  a word of the closed list in schema.ts
-- Returns: { status, was ended 0|1, wallet, room, reason, owned, held, version, charged, bill ms,
--   opened }
-- Writes: sess, due, bal, out (c, x), room, meta
-- Cost: O(log sessions), about 30 µs
local K = {
  meta = KEYS[1], bal = KEYS[2], out = KEYS[3], sess = KEYS[4], due = KEYS[5], room = KEYS[6],
}
local timing = ARGV[2]
-- @include shard
-- @include limits
-- @include lots
-- @include cost
-- @include tariff
-- @include moves
-- @include session
local now = readClock(ARGV[1], MAXGAP)
local sid = ARGV[3]
loadSessions({ sid })
local s = sessions[sid]
if not s then
  return { 'BILLING_SESSION_UNKNOWN', 0, '', '', '-', '0', '0', '0', '0', '0', '0' }
end
local w = wallets[s[WALLET]]
local wasEnded = s[STATE] == 0 and 1 or 0
schedule[sid] = true
if wasEnded == 1 then
  s[CUTS] = CUTS_MAX
else
  advance(s, w, now)
  finish(sid, s, w, now, ARGV[4])
end
commitSessions(now)
return {
  'OK', wasEnded, s[WALLET], s[ROOM], s[REASON], digits(total(w)), digits(w[HELD]),
  digits(w[VERSION]), digits(s[CHARGED]), digits(s[BILL]), digits(s[OPENED]),
}
