// Many readers that stop reading at the same moment, on real TCP sockets, beside one that reads on.
// How much the kernel takes for a socket that nobody reads is its own affair (4 MB on loopback), so
// messages go on until the worker has taken the readers off live delivery. By night
// (SHOWBILL_FUZZ_ROUNDS) a thousand, in a network of their own with small buffers: test/nightly.sh.
import t from 'tap';
import { WebSocket } from 'ws';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { fuzzRounds } from '../../cluster/config.js';
import { silentLog, startRedis, until } from '../../cluster/testing/index.js';
import { createPublisher } from '../index.js';
import { startWorker, watch, type Watched } from './worker-harness.js';

const READERS = Math.min(1_000, fuzzRounds(30));
const TEXT = 'x'.repeat(5_000);
/** At most 15 MB for each reader: more than kernels take. */
const MESSAGES_MAX = 3_000;
/** Said when all are stalled: more than the ring holds. */
const MORE = 160;
const ROOM = 'room:stalled';
const PATIENT = { deadlineMs: Math.max(120_000, READERS * 1_000), everyMs: 20 };
/** The buffer of a socket, 64 KiB, and a flush that it was refused in the middle of. */
const BYTES_MAX = 131_072;

const sockets = new Set<WebSocket>();
/** A socket that the test can stop reading. */
class StallingSocket extends WebSocket {
  constructor(url: string, protocols: string | string[]) {
    super(url, protocols);
    sockets.add(this);
    this.on('close', () => sockets.delete(this));
  }
}

function topOf({ messages }: Watched): number {
  return messages.findLast(({ offset }) => offset > 0)?.offset ?? 0;
}

function isWhole(one: Watched, top: number): boolean {
  const offsets = one.offsets();
  return offsets.length === top && offsets.every((offset, at) => offset === at + 1);
}

t.test(`${READERS} readers that stall cost their buffers, and nobody anything else`, async (t) => {
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const historyMax = 2 * MESSAGES_MAX;
  const publisher = createPublisher({ redis, log: silentLog, historyMax });
  const worker = await startWorker(t, server.url, { settings: { historyMax } });
  const healthy = watch(t, [worker.url], ROOM, { sub: 'healthy' });
  const readers = Array.from({ length: READERS }, (_, n) =>
    watch(t, [worker.url], ROOM, { sub: `r${n}`, WebSocket: StallingSocket }),
  );
  await until(() => [healthy, ...readers].every(({ events }) => events.length > 0), {
    ...{ what: 'all are in', ...PATIENT },
  });
  const metric = async (name: string): Promise<number> => {
    const text = await worker.gateway.scrape();
    const line = new RegExp(`^showbill_gateway_${name}(?:{[^}]*})? (\\S+)$`, 'm').exec(text);
    return Number(line?.[1]);
  };
  let sent = 0;
  let bytes = 0;
  const say = async (count: number): Promise<void> => {
    for (let said = 0; said < count; said += 20) {
      const body = { text: TEXT };
      const batch = Array.from({ length: 20 }, () =>
        publisher.publish(ROOM, { kind: 't', cls: 'reliable', body }),
      );
      sent += (await Promise.all(batch)).length;
      await until(() => topOf(healthy) > sent - 200, { what: 'the healthy one reads', ...PATIENT });
      bytes = Math.max(bytes, await metric('buffered_bytes'));
    }
  };

  for (const socket of sockets) socket.pause();
  while ((await metric('slow_readers_total')) < READERS && sent < MESSAGES_MAX) await say(20);
  await say(MORE);
  t.ok((await metric('slow_readers_total')) > READERS / 2, 'they were taken off live delivery');
  await until(() => topOf(healthy) === sent, { what: 'the healthy one has it all', ...PATIENT });
  t.ok(isWhole(healthy, sent), 'the healthy one has had everything, in order');
  t.same(healthy.events, ['ready'], 'and has noticed nothing');
  t.ok(bytes > 0 && bytes <= READERS * BYTES_MAX, `${bytes} bytes waited at most`);

  for (const socket of sockets) socket.resume();
  await until(() => readers.every((one) => topOf(one) === sent), {
    ...{ what: 'all have the last message', ...PATIENT },
  });
  t.equal(readers.filter((one) => !isWhole(one, sent)).length, 0, 'whole and in order');
  t.equal(readers.filter(({ events }) => events.includes('lost')).length, 0, 'nothing was lost');
  await until(async () => (await metric('lagging_readers')) === 0, {
    what: 'all live',
    ...PATIENT,
  });
  await until(async () => (await metric('buffered_bytes')) === 0, { what: 'sent', ...PATIENT });
});
