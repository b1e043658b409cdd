#!lua flags=allow-oom
-- trim-outbox: drops what SQL has committed, except a short tail for forensics; a Redis that is
-- full of it must not refuse this
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] out  stream  outbox
-- ARGV[1] epoch  of the cursor that was committed
-- ARGV[2] seq  of the cursor that was committed
-- ARGV[3] tail  entries to keep
-- Returns: number of entries dropped
-- Writes: out, meta
-- Cost: O(dropped)
local K = { meta = KEYS[1], out = KEYS[2] }
-- @include shard
local cursorEpoch, cursorSeq, tail = whole(ARGV[1]), whole(ARGV[2]), whole(ARGV[3])
if cursorEpoch ~= epoch or cursorSeq > seq then
  return redis.error_reply('FAULT cursor is not of this shard')
end
redis.call('HSET', K.meta, 'acked', digits(cursorSeq))
local first = math.max(0, cursorSeq - tail)
return redis.call('XTRIM', K.out, 'MINID', digits(epoch) .. '-' .. digits(first + 1))
