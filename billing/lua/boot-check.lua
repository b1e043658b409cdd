#!lua
-- boot-check: how a shard stands, before it may be used; run by EVAL, so also on a server that is
-- new
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- KEYS[3] sess  hash  session → record
-- KEYS[4] out  stream  outbox
-- ARGV[1] epoch  of the cursor in SQL
-- ARGV[2] seq  of the cursor in SQL
-- Returns: { verdict missing|behind|ok|ahead|broken, epoch, seq }; ahead = SQL lost what Redis had
--   dropped
-- Writes: nothing
-- Cost: O(1)
local function isType(key, wanted)
  local kind = redis.call('TYPE', key).ok
  return kind == 'none' or kind == wanted
end
local areHashes = isType(KEYS[1], 'hash') and isType(KEYS[2], 'hash') and isType(KEYS[3], 'hash')
if not areHashes or not isType(KEYS[4], 'stream') then
  return { 'broken', '0', '0' }
end
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'seq')
local out = KEYS[4]
if not meta[1] then
  return { 'missing', '0', '0' }
end
local epoch, seq = tonumber(meta[1]), tonumber(meta[2])
local cursorEpoch, cursorSeq = tonumber(ARGV[1]), tonumber(ARGV[2])
if epoch > cursorEpoch then
  return { 'ahead', meta[1], meta[2] }
elseif epoch < cursorEpoch or seq < cursorSeq then
  return { 'behind', meta[1], meta[2] }
elseif seq > cursorSeq then
  local id = string.format('%.0f-%.0f', epoch, cursorSeq + 1)
  if #redis.call('XRANGE', out, id, id) == 0 then
    return { 'ahead', meta[1], meta[2] }
  end
end
return { 'ok', meta[1], meta[2] }
