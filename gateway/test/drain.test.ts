// A worker that leaves while it is busy: its clients go to the other one, and nobody misses a
// message, sees one twice or hears of a loss: they connect elsewhere before they leave. Several
// hundred real clients in one process; thousands are for `npm run bench -- drain`.
import t, { type Test } from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import {
  seededRandom,
  silentLog,
  startRedis,
  startTcpProxy,
  until,
} from '../../cluster/testing/index.js';
import { createPublisher } from '../index.js';
import { startWorker, watch, type TestWorker, type Watched } from './worker-harness.js';

/** Far more than a busy machine needs, for all and for each. */
const DRAIN_MS = 90_000;
/** Messages that nobody may be further behind than: history holds 1,000. */
const BEHIND_MAX = 400;
const ROOM = 'room:drain';

interface Stage {
  readonly old: TestWorker;
  readonly next: TestWorker;
  readonly viewers: readonly Watched[];
  /** Drains the old worker while somebody talks; resolves to the number of messages said. */
  readonly drainBusily: (during: () => void) => Promise<number>;
}

async function open(
  t: Test,
  count: number,
  urlsOf: (workers: readonly TestWorker[], n: number) => string[] | Promise<string[]>,
): Promise<Stage> {
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const publisher = createPublisher({ redis, log: silentLog });
  const [old, next] = [await startWorker(t, server.url), await startWorker(t, server.url)];
  const viewers: Watched[] = [];
  for (let n = 0; n < count; n += 1) {
    const urls = await urlsOf([old, next], n);
    viewers.push(watch(t, urls, ROOM, { sub: `v${n}` }));
  }
  await until(() => viewers.every(({ events }) => events.length > 0), {
    ...{ what: 'all ready', deadlineMs: 60_000, everyMs: 20 },
  });
  t.equal(old.gateway.connectionCount(), count, 'all are at the worker that will leave');
  const drainBusily = async (during: () => void): Promise<number> => {
    let sent = 0;
    const state = { isDrained: false };
    const talk = async (): Promise<void> => {
      while (!state.isDrained) {
        sent += 1;
        await publisher.publish(ROOM, { kind: 't', body: { text: String(sent) }, cls: 'reliable' });
        during();
        await until(() => viewers.every((one) => one.messages.length > sent - BEHIND_MAX), {
          ...{ what: 'nobody is far behind', deadlineMs: 60_000 },
        });
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const talking = talk();
    old.transport.stopListening();
    await old.gateway.drain(DRAIN_MS, { stragglerMs: DRAIN_MS });
    state.isDrained = true;
    await talking;
    return sent;
  };
  return { old, next, viewers, drainBusily };
}

async function allAreWhole(t: Test, { viewers, old, next }: Stage, sent: number): Promise<void> {
  await until(() => viewers.every((one) => one.offsets().at(-1) === sent), {
    ...{ what: 'all have the last message', deadlineMs: 60_000, everyMs: 20 },
  });
  t.equal(old.gateway.connectionCount(), 0);
  await until(() => next.gateway.connectionCount() === viewers.length, {
    ...{ what: 'everybody is at the other worker', deadlineMs: 60_000 },
  });
  const isWhole = (offsets: readonly number[]): boolean =>
    offsets.length === sent && offsets.every((offset, at) => offset === at + 1);
  t.equal(viewers.filter((one) => !isWhole(one.offsets())).length, 0, 'whole and in order');
  const hasLost = ({ events }: Watched): boolean => events.includes('lost');
  t.equal(viewers.filter(hasLost).length, 0, 'nobody lost anything');
}

t.test('a worker under load hands 300 clients over, who connect elsewhere first', async (t) => {
  const stage = await open(t, 300, (workers) => workers.map(({ url }) => url));
  const offline = new Set<Watched>();
  for (const viewer of stage.viewers) viewer.client.on('state', () => offline.add(viewer));
  const sent = await stage.drainBusily(() => undefined);
  const { values } = await stage.old.gateway.metrics.closes.get();
  const codes = new Map(values.map(({ labels, value }) => [labels.code, value]));
  t.same([...codes], [['1000', 300]], 'all have left by themselves, nobody was closed with 4200');
  t.equal(offline.size, 0, 'and was never without a connection');
  await allAreWhole(t, stage, sent);
});

t.test('links that break during the hand-over lose nothing either', async (t) => {
  const random = seededRandom(t);
  const proxies: Awaited<ReturnType<typeof startTcpProxy>>[] = [];
  const stage = await open(t, 60, async (workers, n) => {
    const urls: string[] = [];
    for (const [at, { port }] of workers.entries()) {
      // Ten viewers share a link, so that one fault cuts off some of them.
      const index = Math.floor(n / 10) * workers.length + at;
      const proxy = (proxies[index] ??= await startTcpProxy(t, { targetPort: port }));
      urls.push(`ws://127.0.0.1:${proxy.port}`);
    }
    return urls;
  });
  let cuts = 0;
  const sent = await stage.drainBusily(() => {
    if (cuts >= 30 || !random.chance(0.2)) return;
    cuts += 1;
    random.pick(proxies).cut();
  });
  t.ok(cuts > 0, 'some were cut');
  await allAreWhole(t, stage, sent);
});
