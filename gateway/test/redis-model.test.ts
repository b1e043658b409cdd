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
  openChannels,
  sequenceBatch,
  type SequenceArgs,
  type SequenceMessage,
  type SequenceReply,
} from '../scripts.js';
import { RedisModel, runScript } from '../testing/simulator/index.js';

const CALLS = 1_500;
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

/** Rules under which the last of some plain messages of one sender surely has this outcome. */
const SCENES: readonly {
  readonly outcome: string;
  readonly count: number;
  readonly settings?: Readonly<Record<string, string>>;
  readonly restriction?: 'b' | 'm' | 's';
}[] = [
  { outcome: 'accepted', count: 1 },
  { outcome: 'stale', count: 1, settings: { v: '2' } },
  { outcome: 'sampled', count: 4, settings: { cap: '2' } },
  { outcome: 'shadow', count: 1, restriction: 's' },
  { outcome: 'banned', count: 1, restriction: 'b' },
  { outcome: 'muted', count: 1, restriction: 'm' },
  { outcome: 'slow_mode', count: 2, settings: { slow: '30' } },
  { outcome: 'rate_limited', count: 2, settings: { burst: '1' } },
  { outcome: 'room_offline', count: 1, settings: { online: '0' } },
  { outcome: 'room_locked', count: 1, settings: { lock: '1' } },
];

function plainMessage(sender: string, n: number): SequenceMessage {
  const mid = `${sender}-${n}`;
  return { sender, mid, flags: 0, textHash: '', tail: packTail('m', { text: mid }, mid) };
}

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
  const otherKeys = channelKeys('room:2');
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
  const play = async (
    what: string,
    args: Omit<SequenceArgs, 'keys' | 'nowMs' | 'historyMax' | 'historyTtlSec' | 'midTtlMs'>,
  ): Promise<SequenceReply> => {
    const limits = { historyMax: 60, historyTtlSec: 600, midTtlMs: 300_000 };
    const [mine, real] = await both(sequenceBatch, { keys, nowMs, ...limits, ...args });
    compare(`verdicts of ${what}`, mine, real);
    known = { epoch: real.epoch, top: model.row('room:1').top };
    return real;
  };
  for (let call = 1; call <= CALLS; call += 1) {
    nowMs += random.pick([0, 0, 5, 300, 1_000, 3_000, call % 500 === 0 ? 400_000 : 0]);
    if (random.chance(0.1)) await changeRules(random, redis, model, nowMs);
    const hasMore = random.chance(0.02) ? 50 : 0; // the caller knows of a tail that Redis lost
    const { epoch } = await play(`call ${call}`, {
      ...{ newEpoch: `e${call}`, knownEpoch: known.epoch, knownTop: known.top + hasMore },
      settingsVersion: random.pick(['', '1', '2']),
      messages: Array.from({ length: random.int(1, 6) }, () => someMessage(random)),
    });
    const after = random.int(-1, known.top);
    // At times the caller has more than Redis, or another message at its top.
    const knownTop = Math.max(0, known.top + random.pick([-9, -1, 0, 0, hasMore]));
    const knownMs = random.pick([0, nowMs, nowMs, nowMs - 1]);
    const asNewcomer = random.chance(0.1);
    const look = {
      ...{ keys, newEpoch: `o${call}`, knownEpoch: random.chance(0.9) ? epoch : 'x' },
      ...{ knownTop, knownMs, after, max: random.int(1, 80) },
    };
    // A second channel in the same call, now and then the same one.
    const second = random.chance(0.2) ? keys : otherKeys;
    const channels = [look, { ...look, keys: second, newEpoch: `p${call}` }].map((one) =>
      asNewcomer ? { ...one, knownEpoch: '', knownTop: 0, knownMs: 0, after: -1 } : one,
    );
    const [history, realHistory] = await both(openChannels, { channels, ttlSec: 600 });
    compare(`history at call ${call}`, history, realHistory);
    const tops = [{ keys, epoch: random.pick([epoch, 'x']), top: random.pick([known.top, 0]) }];
    const [moved, realMoved] = await both(compareTops, tops);
    compare(`tops at call ${call}`, moved, realMoved);
  }
  // Chance need not bring every outcome: each comes up once more on purpose.
  for (const { outcome, count, settings = {}, restriction } of SCENES) {
    nowMs += 60_000;
    const sender = `of ${outcome}`;
    await setRules(redis, model, settings);
    if (restriction !== undefined) {
      await restrict(redis, model, `${restriction}:${sender}`, nowMs + 5_000);
    }
    const { verdicts } = await play(outcome, {
      ...{ newEpoch: 'unused', knownEpoch: known.epoch, knownTop: known.top },
      settingsVersion: outcome === 'stale' ? '1' : '',
      messages: Array.from({ length: count }, (_, n) => plainMessage(sender, n)),
    });
    const last = verdicts.at(-1);
    t.equal(last?.is === 'refused' ? last.code : last?.is, outcome);
  }
  await feed.ping();
  t.same(differences, []);
  t.same(packets.model, packets.real, 'the same packets');
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
  await restrict(redis, model, who, nowMs + random.int(-1_000, 20_000));
}

/** These settings and no others. */
async function setRules(
  redis: RedisClient,
  model: RedisModel,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const rows = model.row('room:1').settings;
  rows.clear();
  await redis.del(channelKeys('room:1').settings);
  for (const [name, value] of Object.entries(settings)) {
    rows.set(name, value);
    await redis.hset(channelKeys('room:1').settings, name, value);
  }
}

async function restrict(
  redis: RedisClient,
  model: RedisModel,
  who: string,
  until: number,
): Promise<void> {
  model.row('room:1').restrictions.set(who, until);
  await redis.zadd(channelKeys('room:1').restrictions, until, who);
}
