-- compare-tops: which of many channels have moved on. A worker asks about those whose feeds bring
-- nothing, so that a lost last message is found without the next one.
-- KEYS[1...] metas  hash each  e epoch, o top offset
-- ARGV[1...] known  two for each channel: epoch and top offset that the worker has
-- Returns: { number of the channel from 1, epoch or '', top, ... } of those that differ
-- Writes: nothing
-- Cost: about 2 us + 0.5 us for each channel
local changed = {}
for at = 1, #KEYS do
  local meta = redis.call('HMGET', KEYS[at], 'e', 'o')
  local epoch, top = meta[1] or '', meta[2] or '0'
  if epoch ~= ARGV[at * 2 - 1] or top ~= ARGV[at * 2] then
    changed[#changed + 1] = at
    changed[#changed + 1] = epoch
    changed[#changed + 1] = tonumber(top)
  end
end
return changed
