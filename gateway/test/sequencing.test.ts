// Sequencing in Redis: places, idempotency, moderation before the first write, latest values,
// epochs.
import t from 'tap';
import { seededRandom, silentLog, startRedis } from '../../cluster/testing/index.js';
import { closeRedis, connectRedis, type RedisClient } from '../../cluster/index.js';
import { channelKeys, channelOfFeed } from '../channel-keys.js';
import { createPublisher } from '../index.js';
import { packTail, parseEntry, parsePacket, unpackTail } from '../packet.js';
import {
  messageFlags,
  openChannels,
  sequenceBatch,
  type ChannelState,
  type SequenceArgs,
  type SequenceMessage,
  type SequenceVerdict,
} from '../scripts.js';

const server = await startRedis(t);
const redis: RedisClient = await connectRedis(server.url, {
  role: 'command',
  name: 'test',
  log: silentLog,
});
t.teardown(() => closeRedis(redis));

let roomCount = 0;
const newRoom = (): string => `room:${(roomCount += 1)}`;

function message(
  sender: string,
  mid: string,
  more: Partial<SequenceMessage> = {},
): SequenceMessage {
  const tail = packTail('m', { text: mid }, mid);
  return { sender, mid, flags: 0, textHash: '', tail, ...more };
}

async function sequence(
  channel: string,
  messages: readonly SequenceMessage[],
  more: Partial<SequenceArgs> = {},
): Promise<{ epoch: string; verdicts: readonly SequenceVerdict[]; said: string[] }> {
  const reply = await sequenceBatch.run(redis, {
    keys: channelKeys(channel),
    nowMs: 1_000_000,
    newEpoch: 'e1',
    knownEpoch: '',
    knownTop: 0,
    historyMax: 100,
    historyTtlSec: 60,
    midTtlMs: 300_000,
    settingsVersion: '',
    messages,
    ...more,
  });
  const said = reply.verdicts.map((one) => {
    if (one.is === 'accepted') return `${one.isRepeat ? '=' : ''}${one.offset}`;
    return one.is === 'refused' ? `${one.code}:${one.waitMs}` : one.is;
  });
  return { ...reply, said };
}

const open = async (
  channel: string,
  after = -1,
  known: { epoch?: string; top?: number; ms?: number } = {},
): Promise<ChannelState> => {
  const look = {
    keys: channelKeys(channel),
    newEpoch: 'e9',
    knownEpoch: known.epoch ?? 'e1',
    knownTop: known.top ?? 0,
    after,
    max: 50,
    knownMs: known.ms ?? 0,
  };
  const [state] = await openChannels.run(redis, { channels: [look], ttlSec: 60 });
  if (state === undefined) throw new Error('no state of the channel');
  return state;
};

const texts = (entries: readonly (Buffer | undefined)[]): unknown[] =>
  entries.map((one) => one && unpackTail(parseEntry(one).tail).body['text']);

t.test('messages of a batch get dense offsets and are published as one packet', async (t) => {
  const room = newRoom();
  const keys = channelKeys(room);
  t.equal(channelOfFeed(keys.feed), room);
  const feed = server.client();
  const packets: Buffer[] = [];
  feed.on('smessageBuffer', (_name: Buffer, data: Buffer) => packets.push(data));
  await feed.ssubscribe(keys.feed);
  const { said } = await sequence(room, [message('7', 'a'), message('8', 'b')]);
  t.same(said, ['1', '2']);
  t.same((await sequence(room, [message('7', 'c')])).said, ['3']);
  await feed.ping();
  const parsed = packets.map((data) => parsePacket(data));
  t.match(parsed, [
    { cls: 'reliable', epoch: 'e1', first: 1, ts: 1_000_000 },
    { cls: 'reliable', epoch: 'e1', first: 3 },
  ]);
  const [first] = parsed;
  t.same(first?.cls === 'reliable' && first.tails.map((one) => unpackTail(one).mid), ['a', 'b']);
  const state = await open(room);
  t.match(state, { epoch: 'e1', top: 3, first: 1 });
  t.same(texts(state.entries), ['a', 'b', 'c']);
});

t.test('the same mid is the same message for five minutes, per sender', async (t) => {
  const room = newRoom();
  t.same((await sequence(room, [message('7', 'a'), message('7', 'a')])).said, ['1', '=1']);
  t.same((await sequence(room, [message('7', 'a'), message('8', 'a')])).said, ['=1', '2']);
  const at = (nowMs: number) => sequence(room, [message('7', 'a')], { nowMs });
  t.same((await at(1_299_999)).said, ['=1']);
  // Another message after the period moves the mids on; they are still known.
  t.same((await sequence(room, [message('7', 'x')], { nowMs: 1_300_001 })).said, ['3']);
  t.same((await at(1_300_001)).said, ['=1']);
  t.same((await sequence(room, [message('7', 'y')], { nowMs: 1_700_001 })).said, ['4']);
  t.same((await at(1_700_001)).said, ['5'], 'and forgotten in the end');
});

t.test('a batch in which nothing is accepted writes and publishes nothing', async (t) => {
  const room = newRoom();
  const keys = channelKeys(room);
  await redis.zadd(keys.restrictions, 2_000_000, 'b:7');
  const before = await redis.dbsize();
  t.same((await sequence(room, [message('7', 'a'), message('7', 'b')])).said, [
    'banned:1000000',
    'banned:1000000',
  ]);
  t.equal(await redis.dbsize(), before);
});

t.test('ban, mute and shadow act on their user only and end by themselves', async (t) => {
  const room = newRoom();
  const keys = channelKeys(room);
  await redis.zadd(keys.restrictions, 1_005_000, 'm:7', 1_005_000, 's:8');
  const batch = [message('7', 'a'), message('8', 'b'), message('9', 'c')];
  t.same((await sequence(room, batch)).said, ['muted:5000', 'shadow', '1']);
  t.same((await sequence(room, batch, { nowMs: 1_005_000 })).said, ['2', '3', '=1']);
});

t.test('modes: slow, unique, lock, links, emotes and groups; moderators are exempt', async (t) => {
  const { exempt, fan, follower, hasLink, notEmoteOnly } = messageFlags;
  const cases: [string, string, SequenceMessage[], string[]][] = [
    ['slow', '30', [message('7', 'a'), message('7', 'b'), message('8', 'c')], ['1', 'slow_mode:30000', '2']],
    ['unique', '30', [message('7', 'a', { textHash: 'h' }), message('7', 'b', { textHash: 'h' })],
      ['1', 'duplicate_text:0']],
    ['lock', '1', [message('7', 'a'), message('7', 'b', { flags: exempt })], ['room_locked:0', '1']],
    ['links', '1', [message('7', 'a', { flags: hasLink }), message('7', 'b')], ['links_blocked:0', '1']],
    ['emote', '1', [message('7', 'a', { flags: notEmoteOnly }), message('7', 'b')], ['emote_only:0', '1']],
    ['only', '1', [message('7', 'a'), message('7', 'b', { flags: follower })], ['followers_only:0', '1']],
    ['only', '3', [message('7', 'a', { flags: fan }), message('7', 'b')], ['1', 'followers_only:0']],
    ['only', '4', [message('7', 'a', { flags: fan })], ['tippers_only:0']],
    ['only', '8', [message('7', 'a', { flags: fan })], ['members_only:0']],
  ]; // prettier-ignore
  for (const [field, value, batch, expected] of cases) {
    const room = newRoom();
    await redis.hset(channelKeys(room).settings, field, value);
    t.same((await sequence(room, batch)).said, expected, `${field}=${value}`);
  }
  const room = newRoom();
  await redis.hset(channelKeys(room).settings, 'slow', '30');
  await sequence(room, [message('7', 'a')]);
  const after = await sequence(room, [message('7', 'b')], { nowMs: 1_010_000 });
  t.same(after.said, ['slow_mode:20000'], 'across batches, with what is left');
});

t.test('texts filtered by old settings are sent back', async (t) => {
  const room = newRoom();
  await redis.hset(channelKeys(room).settings, 'v', '5');
  t.same((await sequence(room, [message('7', 'a')], { settingsVersion: '4' })).said, ['stale']);
  t.same((await sequence(room, [message('7', 'a')], { settingsVersion: '5' })).said, ['1']);
});

t.test('a user may burst, then has to keep to the rate, over all tabs', async (t) => {
  const room = newRoom();
  const many = Array.from({ length: 12 }, (_, at) => message('7', `m${at}`));
  const { said } = await sequence(room, many);
  t.same(said.slice(9), ['10', 'rate_limited:1500', 'rate_limited:1500']);
  t.same((await sequence(room, [message('7', 'z')], { nowMs: 1_001_500 })).said, ['11']);
});

t.test(
  'a server that lost its tail goes on in a new epoch instead of giving offsets twice',
  async (t) => {
    const room = newRoom();
    await sequence(room, [message('7', 'a'), message('7', 'b')]);
    const lost = { knownEpoch: 'e1', knownTop: 5, newEpoch: 'e2' };
    const reply = await sequence(room, [message('7', 'c')], lost);
    t.match(reply, { epoch: 'e2', said: ['3'] });
    const again = await sequence(room, [message('7', 'a')], lost);
    t.match(again, { epoch: 'e2', said: ['=1'] }, 'what is left is known');
    const state = await open(room, 2, { epoch: 'e1', top: 2 });
    t.match(state, { epoch: 'e2', top: 3, first: 1 });
    t.same(texts(state.entries), ['a', 'b', 'c'], 'and read');
    t.match(await open(room, 0, { epoch: 'e2', top: 7 }), { epoch: 'e9', top: 3, first: 1 });
  },
);

t.test(
  'a server that gave offsets to other messages than the caller has begins a new epoch',
  async (t) => {
    const room = newRoom();
    await sequence(room, [message('7', 'a'), message('7', 'b')], { nowMs: 1_000_000 });
    await sequence(room, [message('7', 'c')], { nowMs: 1_000_500 });
    const known = { epoch: 'e1', top: 2 };
    t.match(await open(room, 2, { ...known, ms: 1_000_000 }), { epoch: 'e1', top: 3, first: 3 });
    t.match(await open(room, 2, { ...known, ms: 1_000_100 }), { epoch: 'e9', top: 3, first: 1 });
    t.match(await open(room, -1), { epoch: 'e9', top: 3 }, 'for everybody');
  },
);

t.test('history keeps the newest messages and answers ranges', async (t) => {
  const room = newRoom();
  for (let at = 1; at <= 12; at += 1) {
    await sequence(room, [message('', `s${at}`, { flags: messageFlags.checkFree })], {
      historyMax: 10,
    });
  }
  t.same(await redis.hlen(channelKeys(room).history), 10);
  const range = await open(room, 9);
  t.match(range, { top: 12, first: 10 });
  t.same(texts(range.entries), ['s10', 's11', 's12']);
  const old = await open(room, 0);
  t.same(texts(old.entries).slice(0, 3), [undefined, undefined, 's3']);
});

t.test(
  'the publisher: reliable is idempotent, latest never goes back, volatile leaves nothing',
  async (t) => {
    const publisher = createPublisher({ redis, log: silentLog });
    const room = newRoom();
    const tip = { kind: 't', body: { amount: '5' }, cls: 'reliable', mid: 'tip-1' } as const;
    t.match(await publisher.publish(room, tip), { offset: 1, isRepeat: false });
    t.match(await publisher.publish(room, tip), { offset: 1, isRepeat: true });
    await redis.zadd(channelKeys(room).restrictions, Date.now() + 60_000, 'b:');
    t.match(await publisher.publish(room, { ...tip, mid: 'tip-2' }), { offset: 2 });

    const random = seededRandom(t);
    const user = 'user:5';
    const versions = random.shuffle([1, 2, 3, 4, 5, 6, 7, 8]);
    let best = 0;
    for (const version of versions) {
      const outcome = await publisher.publish(user, {
        kind: 'b',
        body: { amount: String(version), version },
        cls: 'latest',
        version,
      });
      t.match(outcome, { isWritten: version > best, version: Math.max(best, version) });
      best = Math.max(best, version);
    }
    const automatic = { kind: 'v', body: { count: 1 }, cls: 'latest' } as const;
    const one = await publisher.publish(room, automatic);
    const two = await publisher.publish(room, automatic);
    t.ok(one.cls === 'latest' && two.cls === 'latest' && two.version > one.version);

    const before = await redis.dbsize();
    await publisher.publish(room, { kind: 'x', body: { kind: 'redirect' }, cls: 'volatile' });
    t.equal(await redis.dbsize(), before);
    await t.rejects(publisher.publish('Room 1', tip), { code: 'GATEWAY_CHANNEL_INVALID' });
  },
);
