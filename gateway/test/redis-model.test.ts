// The simulator's Redis against the real scripts on a real Redis: the same random calls, the same
// answers, the same packets on the feed and the same history.
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { closeRedis, connectRedis, type RedisClient, type Script } from '../../cluster/index.js';
import {
  seededRandom,
  silentLog,
  startRedis,
  type SeededRandom,
} from '../../cluster/testing/index.js';
import { channelKeys } from '../channel-keys.js';
import { packTail } from '../packet.js';
import {
  compareTops,
  messageFlags,
  openChannel,
  sequenceBatch,
  type SequenceArgs,
  type SequenceMessage,
} from '../scripts.js';
import { RedisModel, runScript } from '../testing/simulator/index.js';

const CALLS = 1_500;
const OUTCOMES = [
  'accepted',
  'stale',
  'sampled',
  'shadow',
  'banned',
  'muted',
  'slow_mode',
] as const;
const START_MS = 1_000_000;
const SETTINGS = {
  slow: ['0', '2', '30'],
  unique: ['0', '20'],
  lock: ['0', '0', '1'],
  links: ['0', '1'],
  emote: ['0', '0', '1'],
  only: ['0', '0', '1', '6', '8'],
  online: ['1', '1', '0'],
  private: ['0', '0', '1'],
  cap: ['20', '2'],
  burst: ['10', '3'],
  period: ['1500', '400'],
  v: ['1', '2'],
} as const;

const { checkFree, exempt, hasLink, notEmoteOnly, fan, follower, tipper, member } = messageFlags;
const FLAGS = [exempt, hasLink, notEmoteOnly, fan, follower, tipper, member];
const { hasWord, insider } = messageFlags;

function someMessage(random: SeededRandom): SequenceMessage {
  const isBackend = random.chance(0.1);
  const mid = `m${random.int(1, 400)}`;
  let flags = isBackend ? checkFree : 0;
  for (const flag of [...FLAGS, hasWord, insider]) {
    if (!isBackend && random.chance(0.15)) flags |= flag;
  }
  return {
    ...{ sender: isBackend ? '' : `u${random.int(1, 5)}`, mid, flags },
    textHash: random.pick(['', 'h1', 'h2']),
    tail: packTail('m', { text: mid }, mid),
  };
}

/** A client that answers from the model; what the scripts need of a connection. */
function clientOf(model: RedisModel): RedisClient {
  const run = (_: string, args: readonly (string | number | Buffer)[]): Promise<unknown> =>
    Promise.resolve(runScript(model, args, 0));
  return { call: run, callBuffer: run } as unknown as RedisClient;
}

t.test('the model gives the verdicts, packets and history of the scripts', async (t) => {
  const random = seededRandom(t);
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const keys = channelKeys('room:1');
  const packets: { real: string[]; model: string[] } = { real: [], model: [] };
  const model = new RedisModel({
    publish: (_, packet) => packets.model.push(packet.toString('hex')),
    sequenced: () => undefined,
    duty: () => undefined,
  });
  const modelClient = clientOf(model);
  const feed = server.client();
  feed.on('smessageBuffer', (_: Buffer, data: Buffer) => packets.real.push(data.toString('hex')));
  await feed.ssubscribe(keys.feed);
  const differences: string[] = [];
  const compare = (what: string, one: unknown, other: unknown): void => {
    if (!isDeepStrictEqual(one, other)) differences.push(what);
  };
  const both = <A, R>(script: Script<A, R>, args: A): Promise<[R, R]> =>
    Promise.all([script.run(modelClient, args), script.run(redis, args)]);
  let nowMs = START_MS;
  let known = { epoch: '', top: 0 };
  const seen = new Set<string>();
  for (let call = 1; call <= CALLS; call += 1) {
    nowMs += random.pick([0, 0, 5, 300, 1_000, 3_000, call % 500 === 0 ? 400_000 : 0]);
    if (random.chance(0.1)) await changeRules(random, redis, model, nowMs);
    const hasMore = random.chance(0.02) ? 50 : 0; // the caller knows of a tail that Redis lost
    const args: SequenceArgs = {
      ...{ keys, nowMs, newEpoch: `e${call}`, knownEpoch: known.epoch },
      ...{ knownTop: known.top + hasMore, historyMax: 60, historyTtlSec: 600 },
      ...{ midTtlMs: 300_000, settingsVersion: random.pick(['', '1', '2']) },
      messages: Array.from({ length: random.int(1, 6) }, () => someMessage(random)),
    };
    const real = await sequenceBatch.run(redis, args);
    compare(`verdicts of call ${call}`, await sequenceBatch.run(modelClient, args), real);
    for (const one of real.verdicts) seen.add(one.is === 'refused' ? one.code : one.is);
    const { epoch } = real;
    known = { epoch, top: model.row('room:1').top };
    const after = random.int(-1, known.top);
    const look = {
      ...{ keys, newEpoch: `o${call}`, knownEpoch: random.chance(0.9) ? epoch : 'x' },
      ...{ knownTop: 0, after, max: random.int(1, 80), ttlSec: 600 },
    };
    const [history, realHistory] = await both(openChannel, look);
    compare(`history at call ${call}`, history, realHistory);
    const tops = [{ keys, epoch: random.pick([epoch, 'x']), top: random.pick([known.top, 0]) }];
    const [moved, realMoved] = await both(compareTops, tops);
    compare(`tops at call ${call}`, moved, realMoved);
  }
  await feed.ping();
  t.same(differences, []);
  t.same(packets.model, packets.real, 'the same packets');
  for (const one of OUTCOMES) t.ok(seen.has(one), `${one} came up`);
});

async function changeRules(
  random: SeededRandom,
  redis: RedisClient,
  model: RedisModel,
  nowMs: number,
): Promise<void> {
  const keys = channelKeys('room:1');
  const row = model.row('room:1');
  const [name, values] = random.pick(Object.entries(SETTINGS));
  const value = random.pick(values);
  row.settings.set(name, value);
  await redis.hset(keys.settings, name, value);
  const who = `${random.pick(['b', 'm', 's'])}:u${random.int(1, 5)}`;
  const until = nowMs + random.int(-1_000, 20_000);
  row.restrictions.set(who, until);
  await redis.zadd(keys.restrictions, until, who);
}
