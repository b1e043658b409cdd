-- bare-touch: the least that a call of proofs of life has to do, the ceiling of the benchmark
-- KEYS[1] meta  hash  shard counters
-- KEYS[2] bal  hash  wallet -> milli-credits
-- KEYS[3] sess  hash  session -> 16 digits charged, then filler to the size of a real record
-- KEYS[4] due  zset  session by next look
-- KEYS[5] out  stream  outbox
-- ARGV[1] now  ms
-- ARGV[2] delta  milli-credits that each session owes
-- ARGV[3] pass  a count; each session is touched once a pass
-- ARGV[4] settleEvery  passes from one outbox entry of a session to the next
-- ARGV[5] moveEvery  passes from one new due time of a session to the next
-- ARGV[6...] session, wallet  pairs
-- Returns: sum of what is left in the wallets
-- Writes: bal, sess, due, out, meta
-- Cost: O(pairs), about 5 us a pair
local now, delta, pass = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local settleEvery, moveEvery = tonumber(ARGV[4]), tonumber(ARGV[5])
local sessions, wallets = {}, {}
for i = 6, #ARGV, 2 do
  sessions[#sessions + 1] = ARGV[i]
  wallets[#wallets + 1] = ARGV[i + 1]
end
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'clk', 'sum')
local records = redis.call('HMGET', KEYS[3], unpack(sessions))
local balances = redis.call('HMGET', KEYS[2], unpack(wallets))
local left, spent = 0, {}
local newRecords, newBalances, due = {}, {}, {}
for i = 1, #sessions do
  local record = records[i]
  local balance = tonumber(balances[i]) - delta
  local charged = tonumber(string.sub(record, 1, 16)) + delta
  left = left + balance
  newRecords[2 * i - 1] = sessions[i]
  newRecords[2 * i] = string.format('%016.0f', charged) .. string.sub(record, 17)
  newBalances[2 * i - 1], newBalances[2 * i] = wallets[i], string.format('%.0f', balance)
  if (i + pass) % moveEvery == 0 then
    due[#due + 1], due[#due + 2] = now, sessions[i]
  end
  if (i + pass) % settleEvery == 0 then
    spent[#spent + 1] = string.format('%.0f', charged)
  end
end
local seq = tonumber(meta[2] or '0')
if #spent > 0 then
  seq = seq + 1
  redis.call('XADD', KEYS[5], '1-' .. string.format('%.0f', seq), 'e', table.concat(spent, ' '))
end
redis.call('HSET', KEYS[2], unpack(newBalances))
local sum = string.format('%.0f', left)
redis.call('HSET', KEYS[1], 'seq', string.format('%.0f', seq), 'clk', now, 'sum', sum)
redis.call('HSET', KEYS[3], unpack(newRecords))
if #due > 0 then
  redis.call('ZADD', KEYS[4], unpack(due))
end
return sum
