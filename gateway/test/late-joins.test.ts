// What happens between the wish to join and the joining: bans, orders, a change of mind, a channel
// whose time is over, and a second ticket on the same connection.
import t from 'tap';
import {
  closeRedis,
  connectRedis,
  createMemoryBus,
  createMetrics,
  type FeedListener,
} from '../../cluster/index.js';
import {
  ManualClock,
  silentLog,
  startRedis,
  startTcpProxy,
  until,
  type TestScope,
} from '../../cluster/testing/index.js';
import { createAccess } from '../access.js';
import { createGatewayControl } from '../control.js';
import { Delivery } from '../delivery.js';
import { FlushWindow } from '../flush-window.js';
import { createHistory } from '../history.js';
import { Hub } from '../hub.js';
import { createRoomAdmin } from '../index.js';
import { createGatewayMetrics } from '../metrics.js';
import type { LifeItem } from '../ports.js';
import type { SubscribeOutcome } from '../protocol/index.js';
import { Revocations } from '../revocations.js';
import { RoomRules } from '../room-rules.js';
import { Session } from '../session.js';
import { Subscriptions } from '../subscriptions.js';
import { codeIn, connectRaw, openRaw, resumeIn } from './raw-client.js';
import { castRoom } from './room-cast.js';
import { connectToken, roomTicket, startWorker, tokens } from './worker-harness.js';

const server = await startRedis(t);
const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
t.teardown(() => closeRedis(redis));
const admin = createRoomAdmin({ redis, log: silentLog });
const by = { id: 'staff', name: 'Staff', role: 'admin' };

/** A worker whose commands to Redis can be held up, while its feeds go on. */
async function openStage(t: TestScope) {
  const proxy = await startTcpProxy(t, { targetPort: server.port });
  const bus = createMemoryBus({ log: silentLog });
  const commandUrl = server.url.replace(String(server.port), String(proxy.port));
  const worker = await startWorker(t, server.url, { commandUrl, bus });
  const connects = async (): Promise<number> => {
    const text = await worker.gateway.scrape();
    return Number(/commands_total\{command="connect",role="gateway"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  return { proxy, worker, connects, control: createGatewayControl(bus) };
}

const acts = {
  banned: (room: string, { control: _ }: Awaited<ReturnType<typeof openStage>>) =>
    admin.moderate(room, { action: 'ban', by, mid: 'b', user: 'guest' }),
  bad_ticket: (room: string, { control }: Awaited<ReturnType<typeof openStage>>) =>
    control.send({ do: 'evict', room, user: 'guest', reason: 'role' }),
} as const;

for (const code of ['banned', 'bad_ticket'] as const) {
  t.test(`who waits for another room does not miss what happens meanwhile: ${code}`, async (t) => {
    const stage = await openStage(t);
    const { proxy, worker, connects } = stage;
    const room = `late-${code}`;
    const { model } = await castRoom(t, [worker.url], `room:${room}`);
    const before = await connectRaw(t, worker.url, 'guest');
    const ticket = roomTicket('guest', room);
    const resume = resumeIn(await before.call({ c: 'sub', ch: `room:${room}`, ticket }));
    before.close();
    await until(() => worker.gateway.connectionCount() === 3, { what: 'the guest has gone' });
    const known = await connects();
    const guest = await openRaw(t, worker.url);
    proxy.stall();
    const connected = guest.call({
      ...{ c: 'connect', token: connectToken('guest') },
      subs: [
        // With the one, nothing is asked of Redis; the other is of this very second.
        { ch: `room:${room}`, ticket: code === 'banned' ? resume : roomTicket('guest', room) },
        { ch: `room:${room}-cold`, ticket: roomTicket('guest', `${room}-cold`) },
      ],
    });
    await until(async () => (await connects()) > known, { what: 'the wish has come' });
    await acts[code](room, stage);
    if (code === 'banned') {
      await until(() => model.messages.some(({ kind }) => kind === 'c'), {
        what: 'the word of it',
      });
    }
    await proxy.heal();
    const { r } = await connected;
    const { subs } = r as { subs: Record<string, unknown>[] };
    t.equal(codeIn(subs[0] ?? {}), code);
  });
}

t.test('who leaves a channel before having joined it is not in it', async (t) => {
  const { proxy, worker } = await openStage(t);
  const guest = await connectRaw(t, worker.url, 'guest');
  proxy.stall();
  const joining = guest.call({ c: 'sub', ch: 'room:mind', ticket: roomTicket('guest', 'mind') });
  t.equal(codeIn(await guest.call({ c: 'unsub', ch: 'room:mind' })), 'ok');
  await proxy.heal();
  t.not(codeIn(await joining), 'ok');
  const said = { c: 'pub', ch: 'room:mind', mid: 'm', kind: 'm', body: { text: 'in?' } };
  t.equal(codeIn(await guest.call(said)), 'not_subscribed');
  const ticket = roomTicket('guest', 'mind');
  t.equal(codeIn(await guest.call({ c: 'sub', ch: 'room:mind', ticket })), 'ok', 'and then anew');
});

t.test('a ban that comes while a room is looked up is not forgotten with the answer', async (t) => {
  const { proxy, worker } = await openStage(t);
  const { ben } = await castRoom(t, [worker.url], 'room:lookup');
  const looks = async (): Promise<number> =>
    Number(/cmdstat_zrange:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
  const known = await looks();
  proxy.stall('toClient');
  await admin.setFlags('lookup', { anonsSeeChat: false });
  await until(async () => (await looks()) > known, { what: 'the rules are read, without a ban' });
  await admin.moderate('lookup', { action: 'ban', by, mid: 'b', user: 'ben' });
  await until(() => ben.events.includes('end:banned'), { what: 'out' });
  await proxy.heal();
  const again = await connectRaw(t, worker.url, 'ben');
  const ticket = roomTicket('ben', 'lookup');
  t.equal(codeIn(await again.call({ c: 'sub', ch: 'room:lookup', ticket })), 'banned');
});

t.test('a second ticket on one connection keeps its own paid session alive', async (t) => {
  const touched: string[][] = [];
  const proofOfLife = {
    touch(items: readonly LifeItem[]) {
      touched.push(items.map(({ sessionId }) => sessionId));
      return Promise.resolve(items.map(({ sessionId }) => ({ sessionId, verdict: 'ok' as const })));
    },
  };
  const worker = await startWorker(t, server.url, { proofOfLife });
  const enter = async (sub: string, bills: readonly string[]) => {
    const client = await connectRaw(t, worker.url, sub);
    for (const bill of bills) {
      const ticket = roomTicket(sub, 'bill', 'participant', { bill });
      t.equal(codeIn(await client.call({ c: 'sub', ch: 'room:bill', ticket })), 'ok');
    }
    return client;
  };
  const isAlive = (bills: readonly string[]) => () =>
    JSON.stringify(touched.at(-1)) === JSON.stringify(bills);
  const viewer = await enter('viewer', ['s1', 's2']);
  await until(isAlive(['s2']), { what: 'the second session only' });
  await enter('other', ['s3']);
  viewer.close();
  await until(isAlive(['s3']), { what: 'nothing of who has left' });
});

t.test('a channel whose time ends while somebody waits for another is not joined', async (t) => {
  const clock = new ManualClock();
  const nowMs = (): number => clock.nowMs();
  const metrics = createGatewayMetrics(createMetrics('gateway', { process: false }));
  let release: () => void = () => undefined;
  const follow = (feed: string, listener: FeedListener): void => {
    if (feed.endsWith('lobby')) release = () => listener.onLive(feed);
    else listener.onLive(feed);
  };
  const delivery: Delivery = new Delivery({
    ...{ nowMs, metrics, window: new FlushWindow(), end: () => undefined },
    older: (channel, from, max) => hub.older(channel, from, max),
  });
  const nothing = (): void => undefined;
  const hub = new Hub(
    {
      subscriber: { follow, unsubscribe: nothing },
      history: createHistory({ redis, historyTtlSec: 600 }),
      ...{ metrics, log: silentLog, nowMs, end: nothing },
      ...{ onMessage: nothing, onValue: nothing, onClosed: nothing },
      load: () => Promise.resolve(),
    },
    delivery,
  );
  t.teardown(() => {
    hub.stop();
    delivery.stop();
  });
  const subscriptions = new Subscriptions({
    ...{ hub, delivery, metrics, log: silentLog, access: createAccess(tokens, redis, nowMs) },
    rules: new RoomRules(redis, nowMs),
    revocations: new Revocations({ redis, log: silentLog, nowMs }),
    ...{ onJoined: nothing, onLeft: nothing, onRefused: nothing },
  });
  const session = new Session({
    ...{ id: 's', encoding: 'rt1.json', transport: 'websocket', address: '', openedAtMs: 0 },
  });
  session.user = { id: '1', name: 'anna', role: 'viewer' };
  session.socket = {
    ...{ send: () => 'sent', bufferedBytes: () => 0, subscribe: nothing, unsubscribe: nothing },
    ...{ end: nothing, terminate: nothing },
  };
  const ask = (names: readonly string[]): Promise<readonly SubscribeOutcome[]> =>
    new Promise((resolve) => {
      const requests = names.map((ch) => ({ ch }));
      subscriptions.subscribe(session, requests, {
        message(outcomes) {
          resolve(outcomes);
          return { i: 1, r: {} };
        },
      });
    });
  await new Promise((opened, failed) => hub.whenOpen('user:1', { opened, failed }));
  hub.sweep();
  clock.advance(9_900);
  const waiting = ask(['user:1', 'lobby']);
  clock.advance(200);
  hub.sweep();
  t.equal(hub.peek('user:1'), undefined, 'nobody was in it');
  release();
  t.match(await waiting, [
    { ch: 'user:1', e: ['temporary'] },
    { ch: 'lobby', a: 2 },
  ]);
  t.match(await ask(['user:1']), [{ ch: 'user:1', a: 3 }], 'the next attempt finds a new one');
});
