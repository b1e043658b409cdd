// What must not change a bill does not: random scenes are played twice on a real Redis, in two
// ways, and leave the same ledger. A bug of the kind that each of these relations is there for is
// found by it; which scenes these are is fixed, so what is found is no luck.
import t from 'tap';
import { fuzzRounds } from '../../cluster/config.js';
import { closeRedis, connectRedis, type RedisClient } from '../../cluster/index.js';
import {
  seededRandom,
  silentLog,
  startRedis,
  type TestScope,
} from '../../cluster/testing/index.js';
import { type Bug, plant } from '../testing/planted-bug.js';
import { RELATIONS } from '../testing/same-bill.js';
import { openShards } from './stage.js';

/** Of each relation; every run is two scenes. */
const RUNS = 40;

const BUGS: Readonly<Record<keyof typeof RELATIONS, readonly [Bug, ...Bug[]]>> = {
  'when the time between two proofs is split at any instants': [
    [
      'each proof counts whole hundredths of a second',
      'bill = bill + now - evid',
      'bill = bill + math.floor((now - evid) / 10) * 10',
    ],
  ],
  'when every command comes twice or three times': [
    ['a tip is not remembered', "remember(field, ARGV[9], 'OK ' .. ARGV[7])", ''],
    ['a funding command is taken again', 'w[CMDSEQ] = cmdSeq', 'w[CMDSEQ] = cmdSeq - 1'],
  ],
  'when proofs are lost, but never two in a row': [
    [
      'a gap of two intervals counts as the grace',
      'bill = bill + now - evid',
      'bill = bill + (now - evid <= QUANTUM and now - evid or GRACE)',
    ],
  ],
  'when proofs of the same instant come in one call': [
    ['a call writes one wallet', 'dirty[id] = true', 'dirty = { [id] = true }'],
  ],
  'when all clocks are shifted': [
    [
      'the clock is read in whole seconds',
      'readClock(ARGV[1], MAXGAP)',
      'readClock(math.floor(ARGV[1] / 1000) * 1000, MAXGAP)',
    ],
  ],
  'on another shard': [
    ['all shards share an outbox', "redis.call('XADD', K.out", "redis.call('XADD', '{b00}:out'"],
  ],
  'when sweepers look at any instants, once or more often': [
    [
      'whom a sweeper cuts pays nothing for the last seconds',
      'advance(s, w, now)\n      finish(sid, s, w, now, whyOver(s, w, now))\n      notice',
      'finish(sid, s, w, now, whyOver(s, w, now))\n      notice',
    ],
  ],
  'when viewers act in another order, and sit on other wallets': [
    [
      'the last viewer of a page pays while the stream is down',
      'for i = 1, #ids do\n  local sid = ids[i]\n  local s = sessions[sid]\n  if s and',
      'for i = 1, #ids - 1 do\n  local sid = ids[i]\n  local s = sessions[sid]\n  if s and',
    ],
  ],
  'times so much when prices and credits are': [
    [
      'a show costs at least a credit',
      'return cost < min and min or cost',
      'return math.max(cost, min, 1000)',
    ],
  ],
};

async function connect(t: TestScope): Promise<RedisClient> {
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  await openShards(redis);
  return redis;
}

t.test('the bill is the same', async (t) => {
  const redis = await connect(t);
  const { seed } = seededRandom(t);
  for (const [name, holds] of Object.entries(RELATIONS)) {
    const { paid, problem } = await holds(redis, { seed, numRuns: fuzzRounds(RUNS) });
    t.equal(problem, undefined, name);
    t.ok(paid > 0, `${name}: somebody has paid`);
  }
});

t.test('a planted bug makes two bills of one', async (t) => {
  const redis = await connect(t);
  for (const [name, holds] of Object.entries(RELATIONS)) {
    for (const bug of BUGS[name as keyof typeof RELATIONS]) {
      const restore = await plant(redis, bug);
      const { problem } = await holds(redis, { seed: 1, numRuns: 200, endOnFailure: true });
      restore();
      t.ok(problem, `${name}: ${bug[0]}`);
    }
  }
});
