// Bugs planted into the money scripts, one at a time: each must be found by the histories that
// stand on the borders of the rules. Which steps these are is fixed, so what is found is no luck.
import t from 'tap';
import { connectRedis, closeRedis, type RedisClient } from '../../cluster/index.js';
import { silentLog, startRedis, type TestScope } from '../../cluster/testing/index.js';
import { BORDERS } from '../testing/borders.js';
import { runHistory } from '../testing/history-run.js';
import { type Bug, plant } from '../testing/planted-bug.js';
import { openShards } from './stage.js';

const BUGS: readonly Bug[] = [
  ['a gap of exactly three intervals', 'gap <= MAXGAP', 'gap < MAXGAP'],
  ['silence of exactly three intervals', 'local isStale = now >', 'local isStale = now >='],
  [
    'a tip of all that is left',
    'elseif amount > math.min(usable',
    'elseif amount >= math.min(usable',
  ],
  ['the limit of a tip', 'amount > w[LIM][TIPMAX]', 'amount >= w[LIM][TIPMAX]'],
  ['the limit of a show', 'if perShow > 0 and', 'if perShow < 0 and'],
  ['the limit of a minute', '> minuteLimit(w)', '>= minuteLimit(w)'],
  ['cash is not debited', 'w[CASH] = w[CASH] - left', 'w[CASH] = w[CASH]'],
  ['the sum of the shard is forgotten', '  sum = sum - amount\n', '\n'],
  ['a hold is not given back', 'w[HELD] = w[HELD] - s[HOLD]', 'w[HELD] = w[HELD]'],
  ['a held part is charged and stays held', 'w[HELD] = w[HELD] - held', 'w[HELD] = w[HELD]'],
  ['the end is not in the outbox', "emit('x', sid,", "tostring('x', sid,"],
  [
    'a settlement is not in the outbox',
    "events[#events + 1] = string.format('c",
    "local _ = string.format('c",
  ],
  ['a settlement is told twice', "s[SCOST], s[SBILL], s[LOTUSE] = s[CHARGED], s[BILL], '-'", ''],
  ['debt is not repaid', 'w[DEBT] = w[DEBT] - repaid', 'w[DEBT] = w[DEBT]'],
  ['a frozen wallet spends', 'if w[FLAGS] % 2 == FROZEN then\n  status', 'if false then\n  status'],
  ['a key is not remembered', "remember(field, ARGV[9], 'OK ' .. ARGV[7])", ''],
  ['another body is taken', 'print == fingerprint and result or KEY_CONFLICT', 'result'],
  ['spending is not counted', 'lim[DAYSPENT] = (lim[LIMDAY]', 'lim[10] = (lim[LIMDAY]'],
  ['a day never ends', 'lim[LIMDAY] == math.floor(now / DAY_MS) and', 'true and'],
  ['a session past its end goes on', '>= s[GBILL]', '> s[GBILL] + 100000'],
  ['a session goes on at its very end', '>= s[GBILL]', '> s[GBILL]'],
  ['the wallet is not written', "redis.call('HSET', K.bal, unpack(args))", 'local _ = args'],
  ['a command is taken again', 'w[CMDSEQ] = cmdSeq', 'w[CMDSEQ] = cmdSeq - 1'],
  ['a command is left out', 'elseif cmdSeq > w[CMDSEQ] + 1 then', 'elseif false then'],
  ['a balance without bound', 'total(w) + amount > MILLI_MAX', 'total(w) + amount > SUM_MAX'],
  ['lots in another order', 'return a[4] < b[4]', 'return a[4] > b[4]'],
  ['the lot that ends later goes first', 'return aEnds < bEnds', 'return aEnds > bEnds'],
  ['an expired lot is spent', '(lot[3] == 0 or lot[3] > now)', '(lot[3] == 0 or lot[3] > 0)'],
  ['a lot for shows pays a tip', 'forShows or lot[5] ~= SCOPE_SHOWS', 'forShows or true'],
  [
    'nobody knows which lot has paid',
    "used[#used + 1] = lot[1] .. ':' .. digits(part)",
    "used[1] = lot[1] .. ':' .. digits(part)",
  ],
  [
    'a refund replaces what is left of a lot',
    'w[LOTS][i][2] = w[LOTS][i][2] + lot[2]',
    'w[LOTS][i][2] = lot[2]',
  ],
  ['expiry takes what is held', 'isOver and math.min(lot[2], spare)', 'isOver and lot[2]'],
  [
    'a lot lives a millisecond longer',
    'lot[3] ~= 0 and lot[3] <= now',
    'lot[3] ~= 0 and lot[3] < now',
  ],
  ['time without a stream is charged', 's[SKIP] = s[SKIP] + now', 's[SKIP] = 0 * now'],
  ['a started unit is paid at its end', 'math.ceil(ms / unit)', 'math.floor(ms / unit)'],
  [
    'a new price cuts a paid unit short',
    'return start + math.ceil((at',
    'return at + 0 * math.ceil((at',
  ],
  ['a new price ends the free time', 'last[SEGBILL] + last[FREE] - at)', '0)'],
  ['a clock that was set back stands still', '  off = clk - now', '  off = 0'],
  ['days go by show time', 'return now - off\n', 'return now\n'],
  ['a ticket is for one visit', 'local ticket = ticketInHand(before)', 'local ticket = nil'],
  ['a ticket outlives its show', "redis.call('ZREMRANGEBYLEX', K.ticket, '['", "tostring('['"],
  ['the time of a ticket begins anew', 's[MAXMS] - s[BILL] or 0', 's[MAXMS] or 0'],
  ['a ticket never ends', 's[MAXMS] > 0 and left <= 0', 'false and left <= 0'],
  [
    'who is silent has no ticket',
    "s[REASON] ~= 'left' and s[REASON] ~= 'stale'",
    "s[REASON] ~= 'left'",
  ],
  ['whoever comes back is new', 'local before = lastVisit()', 'local before = nil'],
  ['free time begins anew', 't[FREE] = math.max(0, from - before[BILL])', ''],
  ['the least charge is due at each visit', 't[MIN] = math.max(0, t[MIN] - cost)', ''],
  ['the longest show begins anew', 'math.max(1, t[MAXMS] - ms)', 't[MAXMS]'],
  ['the dearest show begins anew', 'math.max(1, t[MAXCOST] - cost)', 't[MAXCOST]'],
  ['of time the last visit counts alone', '(before[USEDMS] or 0) +', '0 +'],
  ['of cost the last visit counts alone', '(before[USEDCOST] or 0) +', '0 +'],
  ['who has used up the time comes back', 'usedMs >= t[MAXMS]', 'false'],
  ['a record that is read by place has a hole', '(s[USEDMS] and false)', 'nil'],
  ['a new price forgets earlier visits', 'if not s[USEDMS] then', 'if true then'],
  ['a plain proof is free', 'cash - delta, held + change', 'cash, held + change'],
  ['a plain proof is not in the sum', 'version + 1, sum - delta', 'version + 1, sum'],
  ['a plain proof leaves the hold', 'held + change, version + 1', 'held, version + 1'],
  ['a plain charge is settled twice', 'scost, sbill = cost, bill', 'sat = now'],
  ['a plain gap of a millisecond more', 'now - evid > MAXGAP', 'now - evid > MAXGAP + 1'],
  ['a plain session never ends', 'hold + cash - held then', 'hold + cash - held + 1e9 then'],
  ['a plain tip is free', 'cash, version, seq = cash - amount,', 'cash, version, seq = cash,'],
  ['a plain tip is not in the sum', "'sum', form('%d', sum - amount)", "'sum', sum"],
  ['a plain tip is not remembered', "call('HSET', day % 2 == 0", "tostring('HSET', day % 2 == 0"],
  ['a plain tip of all that is left', 'amount <= cash - held', 'amount <= cash - held + 1'],
  ['a plain tip of an even day is paid twice', "and not call('HGET', K.idem0, field)", ''],
  ['a plain tip of an odd day is paid twice', "and not call('HGET', K.idem1, field)", ''],
  ['a plain tip is yesterday’s', "call('HSET', day % 2 == 0 and", "call('HSET', day % 2 == 1 and"],
  ['a plain tip is not counted', "form('%d', seq + 1)", "form('%d', seq + 2)"],
  ['a plain tip of a frozen wallet', 'debt + flags == 0', 'debt == 0'],
  ['proofs in one call do not see each other', 'and not hasMore[owners[i]]', ''],
  ['the least charge is forgotten', 'return cost < min and min or cost', 'return cost'],
];

/** What is wrong with each history on the borders. */
async function problems(redis: RedisClient): Promise<string[]> {
  const found: string[] = [];
  for (const [name, steps] of BORDERS) {
    await runHistory(steps, redis).catch((thrown: unknown) => {
      found.push(`${name}: ${String(thrown)}`);
    });
  }
  return found;
}

async function startShards(t: TestScope): Promise<RedisClient> {
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  await openShards(redis);
  return redis;
}

t.test('planted bugs are found by the histories on the borders', async (t) => {
  const redis = await startShards(t);
  t.same(await problems(redis), [], 'without a bug nothing is found');
  for (const bug of BUGS) {
    const restore = await plant(redis, bug);
    const found = await problems(redis);
    restore();
    t.not(found.length, 0, bug[0]);
  }
  t.same(await problems(redis), [], 'nothing is left behind');
});
