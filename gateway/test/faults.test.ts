// The worker under faults: feeds cut, Redis paused or restarted, slow readers, paid viewers cut
// off.
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { silentLog, startRedis, startTcpProxy, until } from '../../cluster/testing/index.js';
import { createPublisher, createRoomAdmin } from '../index.js';
import type { LifeItem, LifeVerdict, ProofOfLife } from '../ports.js';
import { isFields, msgpackCodec, packValue, type Fields } from '../protocol/index.js';
import { connectRaw } from './raw-client.js';
import { connectToken, roomTicket, startWorker, watch } from './worker-harness.js';

let rooms = 0;
const newRoom = (): string => `room:f${(rooms += 1)}`;
const upTo = (n: number): number[] => Array.from({ length: n }, (_, at) => at + 1);

/** A worker whose feeds, and only those, go through a proxy, and a listener in a new room. */
async function listenThroughProxy(t: Test) {
  const server = await startRedis(t);
  const proxy = await startTcpProxy(t, { targetPort: server.port });
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const publisher = createPublisher({ redis, log: silentLog });
  const worker = await startWorker(t, `redis://127.0.0.1:${proxy.port}`, {
    commandUrl: server.url,
  });
  const room = newRoom();
  const anna = watch(t, [worker.url], room, { sub: '1' });
  await until(() => anna.events.length > 0, { what: 'ready' });
  return { proxy, publisher, room, anna };
}

t.test('feeds that are cut again and again leave no hole', async (t) => {
  const { proxy, publisher, room, anna } = await listenThroughProxy(t);
  const total = 300;
  for (const n of upTo(total)) {
    await publisher.publish(room, { kind: 't', body: { text: String(n) }, cls: 'reliable' });
    if (n % 60 === 0) proxy.cut();
  }
  await until(() => anna.offsets().length >= total, { what: 'all shown' });
  t.same(anna.offsets(), upTo(total));
  t.same(anna.events, ['ready'], 'the client has noticed nothing');
});

t.test('a gap longer than the ring is filled without a hole for live listeners', async (t) => {
  const { proxy, publisher, room, anna } = await listenThroughProxy(t);
  await proxy.refuse();
  // Above the 256 messages that a ring holds, below the 500 that one fill brings.
  const total = 450;
  await Promise.all(
    upTo(total).map((n) =>
      publisher.publish(room, { kind: 't', body: { text: String(n) }, cls: 'reliable' }),
    ),
  );
  await proxy.heal();
  await until(() => anna.offsets().length >= total, { what: 'all shown' });
  t.same(anna.offsets(), upTo(total));
  t.same(anna.events, ['ready'], 'the client did not have to ask again');
});

t.test('a lost tail is found without the next message', async (t) => {
  const server = await startRedis(t);
  const worker = await startWorker(t, server.url);
  const room = newRoom();
  const anna = watch(t, [worker.url], room, { sub: '1' });
  await until(() => anna.events.length > 0, { what: 'ready' });
  // A message that is in the history but never came over the feed.
  const { channelKeys } = await import('../channel-keys.js');
  const { packTail } = await import('../packet.js');
  const keys = channelKeys(room);
  const stamp = Buffer.alloc(8);
  stamp.writeBigUInt64BE(BigInt(Date.now()));
  const entry = Buffer.concat([stamp, packTail('m', { text: 'tail' }, 'x')]);
  await server.client().multi().hset(keys.history, '1', entry).hset(keys.meta, 'o', '1').exec();
  await until(() => anna.texts().includes('tail'), { what: 'the tail' });
  t.same(anna.offsets(), [1]);
});

t.test(
  'Redis paused for 3 s: publishes are answered within a second, later everything is whole',
  async (t) => {
    const server = await startRedis(t);
    const workers = [await startWorker(t, server.url), await startWorker(t, server.url)];
    const room = newRoom();
    const [anna, ben] = workers.map((worker, at) =>
      watch(t, [worker.url], room, { sub: `u${at}`, level: 'performer' }),
    ) as [ReturnType<typeof watch>, ReturnType<typeof watch>];
    await until(() => anna.events.length > 0 && ben.events.length > 0, { what: 'ready' });
    await anna.client.publish(room, 'before');
    server.pause();
    const failed = anna.client.call({
      c: 'pub',
      ch: room,
      mid: 'direct',
      kind: 'm',
      body: { text: 'direct' },
    });
    const sentAt = performance.now();
    await t.rejects(failed, { code: 'temporary' }, 'an answer comes while Redis is away');
    const kept = [anna.client.publish(room, 'kept 1'), anna.client.publish(room, 'kept 2')];
    await until(() => performance.now() - sentAt > 3_000, { what: '3 s of pause' });
    server.resume();
    const acks = await Promise.all(kept);
    for (const one of [anna, ben]) {
      await until(() => acks.every((ack) => one.offsets().includes(ack.offset)), {
        what: 'all shown',
      });
      const texts = one.texts();
      t.equal(new Set(texts).size, texts.length, 'nothing twice');
      t.same(one.offsets(), upTo(texts.length), 'no hole');
      for (const text of ['before', 'kept 1', 'kept 2']) t.ok(texts.includes(text), text);
      t.notOk(one.events.includes('lost'));
    }
  },
);

t.test(
  'Redis restarted empty: rooms live on in a new epoch without a restart of the worker',
  async (t) => {
    const server = await startRedis(t);
    const worker = await startWorker(t, server.url);
    const room = newRoom();
    const anna = watch(t, [worker.url], room, { sub: '1' });
    await until(() => anna.events.length > 0, { what: 'ready' });
    await anna.client.publish(room, 'old');
    await until(() => anna.texts().includes('old'), { what: 'old' });
    await server.restart();
    await anna.client.publish(room, 'new');
    await until(() => anna.texts().includes('new'), { what: 'new' });
    t.ok(anna.events.includes('lost'), 'the client is told that the sequence began anew');
    t.same(anna.texts(), ['old', 'new']);
    const ben = watch(t, [worker.url], room, { sub: '2' });
    await until(() => ben.texts().includes('new'), { what: 'backlog of the new epoch' });
  },
);

/** A WebSocket client that reads only when told to. */
async function slowReader(
  port: number,
  room: string,
): Promise<{ socket: Socket; frames: () => unknown[] }> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.write(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: rt1.msgpack\r\n\r\n',
  );
  const chunks: Buffer[] = [];
  socket.on('data', (data: Buffer) => chunks.push(data));
  await once(socket, 'data');
  chunks.length = 0;
  const id = room.slice('room:'.length);
  const payload = packValue({
    c: 'connect',
    i: 1,
    token: connectToken('slow'),
    subs: [{ ch: room, ticket: roomTicket('slow', id) }],
  });
  const head = Buffer.from([
    0x82,
    0x80 | 126,
    payload.length >> 8,
    payload.length & 255,
    0,
    0,
    0,
    0,
  ]);
  socket.write(Buffer.concat([head, payload]));
  await once(socket, 'data');
  const frames = (): unknown[] => {
    const data = Buffer.concat(chunks);
    const items: unknown[] = [];
    for (let at = 0; at + 2 <= data.length;) {
      const short = (data[at + 1] ?? 0) & 127;
      const headBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (at + headBytes > data.length) break;
      const size =
        short === 126
          ? data.readUInt16BE(at + 2)
          : short === 127
            ? data.readUInt32BE(at + 6)
            : short;
      if (at + headBytes + size > data.length) break;
      const decoded = msgpackCodec.decode(data.subarray(at + headBytes, at + headBytes + size));
      if (decoded.ok) items.push(...decoded.items);
      at += headBytes + size;
    }
    return items;
  };
  return { socket, frames };
}

t.test('a slow reader is caught up without a hole, and nobody else waits for it', async (t) => {
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const publisher = createPublisher({ redis, log: silentLog });
  const worker = await startWorker(t, server.url, { backpressureBytes: 16_384 });
  const room = newRoom();
  const quick = watch(t, [worker.url], room, { sub: 'quick' });
  await until(() => quick.events.length > 0, { what: 'ready' });
  const slow = await slowReader(worker.port, room);
  t.teardown(() => slow.socket.destroy());
  slow.socket.pause();
  const total = 700; // of 20 KB: more than socket buffers of both ends hold, and more than the ring
  const text = 'x'.repeat(20_000);
  // In parallel: the stalled reader would be closed if they took longer than the limit of its lag.
  await Promise.all(
    upTo(total).map((n) =>
      publisher.publish(room, { kind: 't', body: { n, text }, cls: 'reliable' }),
    ),
  );
  await until(() => quick.offsets().length === total, { what: 'the quick one' });
  const lagged = async (): Promise<boolean> =>
    /showbill_gateway_slow_readers_total\S* [1-9]/.test(await worker.gateway.scrape());
  t.ok(await lagged(), 'it was taken off live delivery');
  slow.socket.resume();
  const offsets = (): number[] =>
    slow
      .frames()
      .flatMap((item) => (Array.isArray(item) && item[1] > 0 ? [item[1] as number] : []));
  await until(() => offsets().at(-1) === total, {
    what: 'the slow one',
    everyMs: 200,
  });
  let last = 0;
  for (const offset of offsets()) {
    t.ok(offset <= last + 1, `no hole before ${offset}`);
    last = Math.max(last, offset);
  }
});

/** A double of the port to billing: answers what the test says, or fails. */
class TestBilling implements ProofOfLife {
  readonly seen: LifeItem[][] = [];
  verdict: LifeVerdict['verdict'] = 'ok';
  isAway = false;

  touch(items: readonly LifeItem[]): Promise<LifeVerdict[]> {
    this.seen.push([...items]);
    if (this.isAway) return Promise.reject(new Error('billing is away'));
    const { verdict } = this;
    return Promise.resolve(
      items.map(({ sessionId }) => ({ sessionId, verdict, reason: 'insufficient_credit' })),
    );
  }
}

t.test(
  'paid viewers: one batched proof of life, cut off by verdict or notice, never by an outage',
  async (t) => {
    const server = await startRedis(t);
    const billing = new TestBilling();
    const worker = await startWorker(t, server.url, { proofOfLife: billing });
    const room = newRoom();
    const join = (sub: string, bill?: string) =>
      watch(t, [worker.url], room, { sub, ...(bill === undefined ? {} : { bill }) });
    const anna = join('1', 'bill-1');
    const tab = join('1', 'bill-1');
    const ben = join('2', 'bill-2');
    const free = join('3');
    await until(() => [anna, tab, ben, free].every((one) => one.events.length > 0), {
      what: 'ready',
    });
    await until(() => billing.seen.at(-1)?.length === 2, { what: 'one batch with both sessions' });
    t.same(
      billing.seen
        .at(-1)
        ?.map((item) => item.sessionId)
        .sort(),
      ['bill-1', 'bill-2'],
    );
    billing.isAway = true;
    const calls = billing.seen.length;
    await until(() => billing.seen.length > calls + 4, { what: 'tried again' });
    t.same([anna.events, ben.events], [['ready'], ['ready']], 'an outage drops nobody');
    billing.isAway = false;
    await worker.bus.publish(
      'billing.cut',
      JSON.stringify({
        sessionId: 'bill-2',
        viewerId: '2',
        roomId: 'x',
        reason: 'insufficient_credit',
      }),
    );
    await until(() => ben.events.includes('end:cutoff'), { what: 'cut by notice' });
    t.match(
      ben.messages.find((one) => one.kind === 'x'),
      { body: { kind: 'cutoff', reason: 'insufficient_credit' } },
    );
    billing.verdict = 'cut';
    await until(() => [anna, tab].every((one) => one.events.includes('end:cutoff')), {
      what: 'cut by verdict',
    });
    t.same(free.events, ['ready']);
    await t.rejects(anna.client.publish(room, 'still here?'), { code: 'not_subscribed' });
  },
);

t.test(
  'resume edge cases fail closed: old epoch, future offset; and need no event at all',
  async (t) => {
    const server = await startRedis(t);
    const worker = await startWorker(t, server.url);
    const room = newRoom();
    const anna = watch(t, [worker.url], room, { sub: '1' });
    await until(() => anna.events.length > 0, { what: 'ready' });
    const ask = async (pos: readonly [string, number]) => {
      const fields = await anna.client.call({
        c: 'sub',
        ch: room,
        ticket: roomTicket('1', room.slice(5)),
        pos,
      });
      return {
        recovered: fields['recovered'],
        from: fields['from'],
        epoch: String(fields['epoch']),
      };
    };
    const first = await ask(['nonsense', 0]);
    t.match(first, { recovered: false, from: 0 });
    t.match(await ask([first.epoch, 0]), { recovered: true, from: 0 }, 'with no event ever sent');
    t.match(await ask([first.epoch, 5]), { recovered: false }, 'a position in the future');
    await anna.client.publish(room, 'one');
    t.match(await ask([first.epoch, 1]), { recovered: true, from: 1 });
    t.match(await ask([first.epoch, 0]), { recovered: true, from: 0 });
    t.match(await ask([first.epoch, 0]), { recovered: true, from: 0 }, 'twice');
    await anna.client.publish(room, 'two');
    await until(() => anna.texts().length === 2, { what: 'two' });
    t.same(anna.offsets(), [1, 2], 'and shows nothing twice');
  },
);

t.test('a ban that was in a gap and is in no history any more holds all the same', async (t) => {
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const proxy = await startTcpProxy(t, { targetPort: server.port });
  const feeds = server.url.replace(String(server.port), String(proxy.port));
  const worker = await startWorker(t, feeds, { commandUrl: server.url });
  const room = newRoom();
  const [anna, ben] = ['anna', 'ben'].map((sub) => watch(t, [worker.url], room, { sub })) as [
    ReturnType<typeof watch>,
    ReturnType<typeof watch>,
  ];
  await until(() => [anna, ben].every(({ events }) => events.length > 0), { what: 'both are in' });
  await proxy.refuse();
  const by = { id: 'staff', name: 'Staff', role: 'admin' };
  const admin = createRoomAdmin({ redis, log: silentLog });
  const act = { action: 'ban', by, mid: 'b', user: 'anna', reason: 'rude' } as const;
  await admin.moderate(room.slice('room:'.length), act);
  const publisher = createPublisher({ redis, log: silentLog, historyMax: 20 });
  await Promise.all(
    upTo(40).map((n) => publisher.publish(room, { kind: 'n', body: { n }, cls: 'reliable' })),
  );
  await proxy.heal();
  await until(() => anna.events.includes('end:banned'), { what: 'anna has to go' });
  await until(() => ben.offsets().at(-1) === 41, { what: 'ben reads on' });
  t.same(anna.offsets(), [], 'and saw nothing of what was said after the ban');
});

t.test('a position that neither ring nor history reaches is not continued', async (t) => {
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const worker = await startWorker(t, server.url);
  const publisher = createPublisher({ redis, log: silentLog, historyMax: 60 });
  const room = newRoom();
  const reader = await connectRaw(t, worker.url, 'reader');
  const ask = async (pos: readonly [string, number]): Promise<Fields> => {
    const ticket = roomTicket('reader', room.slice('room:'.length));
    const { r } = await reader.call({ c: 'sub', ch: room, ticket, pos });
    return isFields(r) ? r : {};
  };
  const { epoch } = await ask(['none', 0]);
  await reader.call({ c: 'unsub', ch: room });
  const total = 400; // a ring holds 256
  await Promise.all(
    upTo(total).map((n) => publisher.publish(room, { kind: 't', body: { n }, cls: 'reliable' })),
  );
  await until(
    async () => {
      reader.got.length = 0;
      return (await ask([String(epoch), total]))['recovered'] === true;
    },
    { what: 'the worker has all', everyMs: 200 },
  );
  reader.got.length = 0;
  t.match(await ask([String(epoch), 20]), { recovered: false, from: total - 50, top: total });
  const offsets = reader.got.flatMap((one) => (Array.isArray(one) ? [Number(one[1])] : []));
  t.same(
    offsets.filter((offset) => offset > 0),
    upTo(50).map((n) => total - 50 + n),
    'nothing of what is between comes, nor is anything left out after it',
  );
});
