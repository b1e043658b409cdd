// Several tabs of one user on several workers, with links that break and feeds that bring old
// packets again: the balance never goes back, own messages appear once, and every tab comes to the
// same unread counter, that of an oracle.
import t, { type Test } from 'tap';
import { closeRedis, connectRedis, type RedisClient } from '../../cluster/index.js';
import {
  seededRandom,
  silentLog,
  startRedis,
  startTcpProxy,
  until,
  type SeededRandom,
  type TcpProxy,
} from '../../cluster/testing/index.js';
import { channelKeys } from '../channel-keys.js';
import { createPublisher, type Publisher } from '../index.js';
import { roomTicket, startClient, startWorker } from './worker-harness.js';
import type { ReceivedMessage } from '../client/index.js';

const USER = 'user:7';
const ROOM = 'room:tabs';
const STEPS = 150;

type Client = ReturnType<typeof startClient>;

interface Tab {
  readonly client: Client;
  readonly proxy: TcpProxy;
  readonly inbox: ReceivedMessage[];
  readonly room: ReceivedMessage[];
  ready: number;
}

/** What must come out, kept by plain arithmetic. */
interface Oracle {
  top: number;
  read: number;
  version: number;
  readonly said: string[];
}

interface Stage {
  readonly random: SeededRandom;
  readonly redis: RedisClient;
  readonly publisher: Publisher;
  readonly tabs: readonly Tab[];
  /** Packets that the feeds have brought so far. */
  readonly packets: { readonly feed: string; readonly data: Buffer }[];
  readonly oracle: Oracle;
}

/** A tab of the user, over a link that can be cut. */
async function openTab(t: Test, targetPort: number, encoding: 'json' | 'msgpack'): Promise<Tab> {
  const proxy = await startTcpProxy(t, { targetPort });
  const client = startClient(t, [`ws://127.0.0.1:${proxy.port}`], {
    sub: '7',
    encoding: `rt1.${encoding}`,
  });
  const tab: Tab = { client, proxy, inbox: [], room: [], ready: 0 };
  client.subscribe(
    USER,
    {},
    { onMessage: (one) => tab.inbox.push(one), onReady: () => (tab.ready += 1) },
  );
  client.subscribe(
    ROOM,
    { ticket: () => roomTicket('7', 'tabs') },
    { onMessage: (one) => tab.room.push(one), onReady: () => (tab.ready += 1) },
  );
  client.connect();
  return tab;
}

async function open(t: Test): Promise<Stage> {
  const random = seededRandom(t);
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  await redis.hset(channelKeys(ROOM).settings, 'burst', '10000', 'period', '1', 'cap', '10000');
  const workers = [await startWorker(t, server.url), await startWorker(t, server.url)];
  const packets: { feed: string; data: Buffer }[] = [];
  const feeds = server.client();
  feeds.on('smessageBuffer', (feed: Buffer, data: Buffer) =>
    packets.push({ feed: feed.toString(), data }),
  );
  for (const channel of [USER, ROOM]) await feeds.ssubscribe(channelKeys(channel).feed);
  const tabs: Tab[] = [];
  for (let n = 0; n < 5; n += 1) {
    const port = workers[n % 2]?.port ?? 0;
    tabs.push(await openTab(t, port, n < 2 ? 'json' : 'msgpack'));
  }
  await until(() => tabs.every(({ ready }) => ready >= 2), {
    ...{ what: 'all tabs are ready' },
  });
  const oracle = { top: 0, read: 0, version: 0, said: [] };
  const publisher = createPublisher({ redis, log: silentLog });
  return { random, redis, publisher, tabs, packets, oracle };
}

async function notify({ random, publisher, oracle }: Stage, step: number): Promise<void> {
  const body = { id: String(step), kind: 'model_online', title: 'x' };
  const request = { kind: 'n', body, cls: 'reliable', mid: `n${step}` } as const;
  await publisher.publish(USER, request);
  if (random.chance(0.3)) await publisher.publish(USER, request);
  oracle.top += 1;
}

/** Three versions of the balance in any order, one of them twice. */
async function pay({ random, publisher, oracle }: Stage): Promise<void> {
  const versions = [1, 2, 3, 2].map((n) => oracle.version + n);
  await Promise.all(
    random.shuffle(versions).map((version) => {
      const body = { amount: String(version) };
      return publisher.publish(USER, { kind: 'b', body, cls: 'latest', version });
    }),
  );
  oracle.version += 3;
}

async function markRead({ random, tabs, oracle }: Stage): Promise<void> {
  const upto = random.int(0, oracle.top + 3);
  oracle.read = Math.max(oracle.read, Math.min(upto, oracle.top));
  // A link that breaks leaves open whether it was done: doing it again is harmless.
  const unread = await until(
    async () => {
      const call = random.pick(tabs).client.call({ c: 'read', upto });
      return call.then(
        (reply) => ({ count: Number(reply['unread']) }),
        () => undefined,
      );
    },
    { what: 'marked' },
  );
  t.equal(unread.count, oracle.top - oracle.read, 'the answer is that of the oracle');
}

/** The same message from two tabs at once, and the links of one of them may break. */
async function speak({ random, tabs, oracle }: Stage, step: number): Promise<void> {
  const mid = `own${step}`;
  const [one, other] = random.shuffle(tabs);
  if (one === undefined || other === undefined) throw new RangeError('there are five tabs');
  const said = [one, other].map(({ client }) => client.publish(ROOM, mid, mid));
  if (random.chance(0.4)) one.proxy.cut();
  const answers = await Promise.all(said);
  t.equal(answers[0]?.offset, answers[1]?.offset, `${mid} has one place`);
  oracle.said.push(mid);
}

/** The feed brings packets again that have come before, in any order. */
async function repeatPackets({ random, redis, packets }: Stage): Promise<void> {
  for (const { feed, data } of random.shuffle(packets.slice(-20)).slice(0, 6)) {
    await redis.spublish(feed, data);
  }
}

function unreadOf({ inbox }: Tab): number {
  const mark = inbox.findLast(({ kind }) => kind === 'u');
  const last = inbox.findLast(({ offset }) => offset > 0)?.offset ?? 0;
  return last - Number(mark?.body['read'] ?? 0);
}

const balancesOf = ({ inbox }: Tab): number[] =>
  inbox.filter(({ kind }) => kind === 'b').map(({ body }) => Number(body['amount']));

t.test('five tabs of a user agree with an oracle after any interleaving', async (t) => {
  const stage = await open(t);
  const { random, tabs, oracle } = stage;
  for (let step = 1; step <= STEPS; step += 1) {
    if (random.chance(0.2)) random.pick(tabs).proxy.cut();
    const chance = random.int(1, 10);
    if (chance <= 3) await notify(stage, step);
    else if (chance <= 5) await pay(stage);
    else if (chance <= 7) await markRead(stage);
    else if (chance <= 9) await speak(stage, step);
    else await repeatPackets(stage);
  }
  await notify(stage, STEPS + 1);
  await pay(stage);
  await repeatPackets(stage);
  const unread = oracle.top - oracle.read;
  for (const tab of tabs) {
    const state = (): unknown => [
      unreadOf(tab),
      balancesOf(tab).at(-1),
      tab.room.filter(({ kind }) => kind === 'm').length,
    ];
    await until(() => JSON.stringify(state()) === JSON.stringify(wanted(oracle, unread)), {
      ...{ what: `a tab that has ${JSON.stringify(wanted(oracle, unread))}` },
    });
    const balances = balancesOf(tab);
    t.ok(
      balances.every((version, at) => version > (balances[at - 1] ?? 0)),
      'the balance never went back',
    );
    const offsets = tab.inbox.map(({ offset }) => offset).filter((offset) => offset > 0);
    t.same(offsets, upTo(oracle.top), 'every notification once and in order');
    const mids = tab.room.filter(({ kind }) => kind === 'm').map(({ mid }) => mid);
    t.same(mids, oracle.said, 'own messages once and in order, whichever tab said them');
  }
});

const wanted = ({ version, said }: Oracle, unread: number): unknown => [
  unread,
  version,
  said.length,
];

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);
