// Messages whose packets never came over the feed and after which nothing follows: every channel
// has them within 6 s, at a cost that does not grow with the number of calls. Real Redis, a clock
// that the test moves, and a feed that brings nothing at all.
import t, { type Test } from 'tap';
import {
  closeRedis,
  connectRedis,
  createMetrics,
  type ChannelListener,
} from '../../cluster/index.js';
import { ManualClock, silentLog, startRedis, until } from '../../cluster/testing/index.js';
import type { Channel } from '../channel.js';
import { Delivery } from '../delivery.js';
import { FlushWindow } from '../flush-window.js';
import { createHistory } from '../history.js';
import { Hub } from '../hub.js';
import { createPublisher } from '../index.js';
import { createGatewayMetrics } from '../metrics.js';
import { Session } from '../session.js';

const SWEEP_MS = 1_000;
const PROMISED_MS = 6_000;

async function openHub(t: Test) {
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const clock = new ManualClock();
  const nowMs = (): number => clock.nowMs();
  const metrics = createGatewayMetrics(createMetrics('gateway', { process: false }));
  const listeners = new Map<string, ChannelListener>();
  const delivery: Delivery = new Delivery({
    ...{ nowMs, metrics, window: new FlushWindow() },
    older: (channel, from, max) => hub.older(channel, from, max),
    end: () => undefined,
  });
  const hub = new Hub(
    {
      subscriber: {
        follow(name, listener) {
          listeners.set(name, listener);
          listener.onLive(name);
        },
        unsubscribe: () => undefined,
      },
      history: createHistory({ redis, historyTtlSec: 600 }),
      ...{ metrics, log: silentLog, nowMs },
      onMessage: () => undefined,
      onValue: () => undefined,
      onClosed: () => undefined,
      load: () => Promise.resolve(),
      end: () => undefined,
    },
    delivery,
  );
  t.teardown(() => {
    hub.stop();
    delivery.stop();
  });
  const calls = async (): Promise<number> => {
    const stats = await redis.info('commandstats');
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  };
  const publisher = createPublisher({ redis, log: silentLog });
  const say = (name: string): Promise<unknown> =>
    publisher.publish(name, { kind: 'n', body: { text: 'tail' }, cls: 'reliable' });
  return { clock, hub, redis, listeners, calls, say };
}

/** The channel, with somebody in it. */
async function join(hub: Hub, name: string): Promise<Channel> {
  const channel = await new Promise<Channel>((opened, failed) => {
    hub.whenOpen(name, { opened, failed });
  });
  const options = { id: name, transport: 'websocket', address: '', openedAtMs: 0 } as const;
  const session = new Session({ ...options, encoding: 'rt1.msgpack' });
  channel.members.set(session, { level: 'view', groups: 0 });
  return channel;
}

const hasTail = ({ ring }: Channel): boolean => ring.top === 1;

t.test('a lost last message is found within 6 s in rooms and user channels alike', async (t) => {
  const { clock, hub, redis, say } = await openHub(t);
  const names = ['room:1', 'user:1', 'user:2', 'lobby'];
  const channels = await Promise.all(names.map((name) => join(hub, name)));
  // Long quiet before: nothing is looked after more rarely because nothing happens there.
  for (let ms = 0; ms < 60_000; ms += SWEEP_MS) {
    clock.advance(SWEEP_MS);
    hub.sweep();
    await redis.ping();
  }
  await Promise.all(names.map(say));
  for (let ms = 0; ms < PROMISED_MS; ms += SWEEP_MS) {
    clock.advance(SWEEP_MS);
    hub.sweep();
    // One round trip asks, the next one reads; both go before these.
    for (let trip = 0; trip < 4; trip += 1) await redis.ping();
  }
  await until(() => channels.every(hasTail), { what: 'the answers to what was asked in time' });
  t.same(channels.map(hasTail), [true, true, true, true]);
});

t.test('values that come all the time do not hide a lost message', async (t) => {
  const { clock, hub, listeners, redis, say } = await openHub(t);
  const channel = await join(hub, 'room:1');
  await say('room:1');
  for (let ms = 0; ms < PROMISED_MS; ms += SWEEP_MS) {
    clock.advance(SWEEP_MS);
    const value = Buffer.concat([Buffer.from([2, 1]), Buffer.from('v'), Buffer.alloc(16, 1)]);
    const packet = Buffer.concat([value, Buffer.from([0xa1, 0x76, 0x80])]);
    listeners.get(channel.keys.feed)?.onMessage(packet, channel.keys.feed);
    hub.sweep();
    for (let trip = 0; trip < 4; trip += 1) await redis.ping();
  }
  await until(() => hasTail(channel), { what: 'the answers to what was asked in time' });
  t.ok(hasTail(channel));
});

t.test('thousands of quiet channels cost one call for each 200 of them', async (t) => {
  const { clock, hub, calls, redis } = await openHub(t);
  const names = Array.from({ length: 2_000 }, (_, n) => `user:${n + 1}`);
  const channels = await Promise.all(names.map((name) => join(hub, name)));
  const before = await calls();
  clock.advance(5_000);
  hub.sweep();
  const isChecked = (): boolean => channels.every(({ heardMs }) => heardMs === clock.nowMs());
  await until(isChecked, { what: 'all looked at' });
  await redis.ping();
  const spent = (await calls()) - before;
  t.equal(spent, 10);
});
