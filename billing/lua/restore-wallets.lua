#!lua
-- restore-wallets: writes wallets as SQL has them into a shard that is being restored
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet → record
-- ARGV[1] token  of this restore
-- ARGV[2] version  that every wallet starts from
-- ARGV[3...] id, cash, debt, flags, cmd seq, lots  six per wallet; lots: `id amount expires
--   priority scope`
--   joined by commas, in the order of spending, or empty
-- Returns: Σ cash and lots
-- Writes: bal, meta (sum so far)
-- Cost: O(wallets), about 3 µs each
if redis.call('HGET', KEYS[1], 'restoring') ~= ARGV[1] then
  return redis.error_reply('FENCED another restore has begun')
end
local rows, sum = {}, 0
for i = 3, #ARGV, 6 do
  local lots = {}
  local cash = tonumber(ARGV[i + 1])
  sum = sum + cash
  for id, amount, expires, priority, scope in
    string.gmatch(ARGV[i + 5], '(%d+) (%d+) (%d+) (%d+) (%d+)')
  do
    lots[#lots + 1] = { id, tonumber(amount), tonumber(expires), tonumber(priority), tonumber(scope) }
    sum = sum + tonumber(amount)
  end
  rows[#rows + 1] = ARGV[i]
  rows[#rows + 1] = cmsgpack.pack({
    cash, 0, tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4]),
    tonumber(ARGV[2]), lots,
  })
end
if #rows > 0 then
  redis.call('HSET', KEYS[2], unpack(rows))
end
local before = tonumber(redis.call('HGET', KEYS[1], 'sum') or '0')
redis.call('HSET', KEYS[1], 'sum', string.format('%.0f', before + sum))
return string.format('%.0f', sum)
