-- A proof of life of a session that nothing will end within a minute, nearly every one: what
-- advance(), refill(), settleIfDue(), timeLeft(), warn() and reschedule() do, from record to record
-- with no table between: a call costs Redis 0.7 of what it costs by way of tables. Needs moves.lua
-- and cost.lua. Records stay the MessagePack that all scripts and older builds read; numbers that
-- move have fixed widths in them, which struct writes in a third of cmsgpack's time.
local unpackSome, packValues, part, form = cmsgpack.unpack_limit, struct.pack, string.sub,
  string.format
-- Type bytes: a number of eight bytes, one of four (with room for it). Each value that struct packs
-- costs near a hundredth of a charge, so some have the type bytes that come after them on their
-- right (NEXT_BYTE, NEXT_TWO), as far as a double is exact.
local WIDE, WORD = 0xcb, 0xce * 2 ^ 32
local NEXT_BYTE, NEXT_TWO = 2 ^ 8, 2 ^ 16
local WORD_MAX, BYTE_MAX = 2 ^ 32, 127
-- What comes before STATE, then to DUE: open, evidence, billed, charged, held, what a plain session
-- has not (an end in sight, a warning, a stop, time skipped), settled cost and time, settled at,
-- web, plays, no reason, no cut, due.
local MOVING = '>c0HdI5I5I5I5I4I6dBdI5d'
local OPEN, NOTHING_NEAR, NO_REASON = 0x01cb, 0xff000000ce, 0xa12d00cb
-- Then SEGCOST, SEGBILL and LOTUSE.
local AT_FIRST_PRICE, AT_LATER_PRICE = MOVING .. 'I4', MOVING .. 'BdBdH'
local FIRST_PRICE, NO_LOT = 0x0000a12d, 0xa12d
-- { cash, held, no debt, no flags, cmdSeq, version, no lots }; touch-reply.ts reads it.
local PURSE = '>HdI7I5I6'
-- How long the means must last: then neither end nor warning is near.
local FAR = math.max(QUANTUM, WARN_1_MS) + 1
local recordCount, walletCount, dueCount = 0, 0, 0

-- The line of the reply; nil, and nothing done, when the session or its wallet is not plain: then
-- the rules decide. `purse` is the record of a wallet that no other session of the call has.
-- No evidence yet (0) is longer ago than any gap.
local function touchPlain(sid, record, purse, isWeb, now)
  local at, wallet, room, _, model, price, _, freeMs, min, unit, maxMs, maxCost =
    unpackSome(record, 12, 3)
  local last, state, evid, bill, charged, hold, gbill, warned, stop, skip, scost, sbill, sat, web,
    plays, reason, cuts, due, segCost, segBill, lotUse = unpackSome(record, 20, at)
  if last ~= -1 or state ~= 1 or gbill >= 0 or warned + stop + skip + maxMs + maxCost + cuts > 0
    or lotUse ~= '-' or reason ~= '-' or plays > BYTE_MAX or evid > now or now - evid > MAXGAP then
    return nil
  end
  local endOfPurse, cash, held, debt, flags, cmdSeq, version = unpackSome(purse, 6, 1)
  if endOfPurse ~= #purse - 1 or debt + flags > 0 then
    return nil
  end
  bill = bill + now - evid
  local ms = bill - segBill - freeMs
  local cost = costAfter(segCost, model, price, min, unit, ms)
  -- More than FAR can cost by any tariff.
  local dear = price * (FAR / (model == STARTED_UNIT and unit or MINUTE_MS) + 2) + min
  if cost + dear > charged + hold + cash - held then
    return nil
  end
  local ahead = costAfter(segCost, model, price, min, unit, ms + QUANTUM) - cost
  local delta, change = cost - charged, ahead - hold
  if bill + cost + held + change + cmdSeq + version >= WORD_MAX or delta < 0 then
    return nil
  end
  local hasChanged = delta > 0 or change ~= 0
  if hasChanged then
    cash, held, version, sum = cash - delta, held + change, version + 1, sum - delta
    if held < 0 or held > cash or cash > MILLI_MAX then
      error('FAULT wallet out of bounds')
    end
  end
  purse = packValues(PURSE, 0x97cb, cash, (WORD + held) * NEXT_TWO, WORD + cmdSeq,
    (WORD + version) * NEXT_BYTE + 0x90)
  if hasChanged then
    newWallets[walletCount + 1], newWallets[walletCount + 2] = wallet, purse
    walletCount = walletCount + 2
  end
  if now - sat >= SETTLE then
    if cost > scost or bill > sbill then
      emitCharge(sid, sbill, bill, scost, cost, now, '-')
      scost, sbill = cost, bill
    end
    sat = now
  end
  local look = now + MAXGAP + 1
  if cost > scost and sat + SETTLE < look then
    look = sat + SETTLE
  end
  if due <= now or due > look then
    due = look
    newDues[dueCount + 1], newDues[dueCount + 2] = form('%d', due), sid
    dueCount = dueCount + 2
  end
  local isFirst = segBill == 0 and segCost == 0
  newRecords[recordCount + 1] = sid
  newRecords[recordCount + 2] = packValues(isFirst and AT_FIRST_PRICE or AT_LATER_PRICE,
    part(record, 1, at), OPEN, now, WORD + bill, WORD + cost, WORD + ahead, NOTHING_NEAR, scost,
    (WORD + sbill) * NEXT_BYTE + WIDE, sat, WIDE, isWeb and now or web,
    plays * WORD_MAX + NO_REASON, due, isFirst and FIRST_PRICE or WIDE, segCost, WIDE, segBill,
    NO_LOT)
  recordCount = recordCount + 2
  -- The record itself: three numbers as digits cost a tenth of a charge.
  return purse .. wallet .. ' ' .. room
end
