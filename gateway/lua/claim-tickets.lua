-- claim-tickets: marks room tickets as used; of several with one mark the first has it.
-- KEYS[1...] marks  strings  of one ticket each, all with one tag
-- ARGV[1] ttl  seconds  longer than a ticket lives
-- Returns: { 1 = it was not used before, else 0, ... }
-- Writes: the marks
-- Cost: about 3 us + 1 us for each mark
local claimed = {}
for at = 1, #KEYS do
  claimed[at] = redis.call('SET', KEYS[at], '1', 'EX', ARGV[1], 'NX') and 1 or 0
end
return claimed
