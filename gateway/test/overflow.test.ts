// Readers that overflow again and again while their socket gets room at any moment: delivery over a
// model of uWebSockets' topic tree (testing/simulator/model-socket.ts), by a seeded schedule.
import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { createMetrics } from '../../cluster/index.js';
import { seededRandom, type SeededRandom } from '../../cluster/testing/index.js';
import { Channel } from '../channel.js';
import { Delivery } from '../delivery.js';
import { FlushLog } from '../flush-log.js';
import { FlushWindow } from '../flush-window.js';
import { createGatewayMetrics } from '../metrics.js';
import { packTail } from '../packet.js';
import { unpackValues, type Frame } from '../protocol/index.js';
import { Session } from '../session.js';
import type { TopicPublisher } from '../socket.js';
import { ModelSocket } from '../testing/simulator/index.js';

/** Offsets of the reliable messages of a frame. */
function offsetsOf(frame: Frame): number[] {
  if (typeof frame === 'string') return [];
  return unpackValues(frame).flatMap((value) => {
    const offset: unknown = Array.isArray(value) ? value[1] : 0;
    return typeof offset === 'number' && offset > 0 ? [offset] : [];
  });
}

/** A socket and what got into its buffer. */
interface Reader {
  readonly socket: ModelSocket;
  readonly got: number[];
  readonly frames: Frame[];
}

interface Stage {
  readonly channel: Channel;
  readonly delivery: Delivery;
  readonly readers: readonly Reader[];
  readonly sessions: readonly Session[];
}

const metrics = createGatewayMetrics(createMetrics('gateway', { process: false }));

function openStage(
  count: number,
  end: (session: Session, reason: string) => void = () => t.fail('nobody is given up'),
  name = 'room:1',
): Stage {
  let now = 1;
  const delivery = new Delivery({
    nowMs: () => (now += 0.01),
    window: new FlushWindow(),
    metrics,
    older: () => Promise.reject(new Error('the ring is long enough')),
    end,
  });
  const channel = new Channel(name, 1, {
    fill: () => undefined,
    pending: (one, isUrgent) => delivery.schedule(one, isUrgent),
    appended: () => undefined,
    overflowing: (one) => delivery.flush(one),
    restarting: () => undefined,
    restarted: (one) =>
      delivery.announce(one, { p: 'reset', a: 1, epoch: one.epoch, from: one.flushedTop }),
  });
  channel.tracker.sync();
  channel.tracker.filled({ epoch: 'e', top: 0, first: 1, entries: [], values: [] });
  const readers: Reader[] = [];
  const sessions = Array.from({ length: count }, (_, at) => {
    const session = new Session({
      ...({ encoding: 'rt1.msgpack', transport: 'websocket', address: '' } as const),
      ...{ id: String(at), openedAtMs: 0 },
    });
    const got: number[] = [];
    const frames: Frame[] = [];
    const socket = new ModelSocket({
      onDropped: (frame) => delivery.dropped(session, frame),
      onTaken: (frame) => {
        got.push(...offsetsOf(frame));
        frames.push(frame);
      },
      onEnd: () => t.fail('nobody is closed here'),
    });
    session.socket = socket;
    session.channels.set(channel.name, channel);
    channel.members.set(session, { level: 'view', groups: 0 });
    delivery.attach(session, channel);
    readers.push({ socket, got, frames });
    return session;
  });
  const topics: TopicPublisher = {
    publish(topic, frame) {
      for (const { socket } of readers) if (socket.topics.has(topic)) socket.hold(frame);
    },
  };
  delivery.addPublisher(topics);
  return { channel, delivery, readers, sessions };
}

/** The kernel takes some or all of what a socket holds. */
function giveRoom({ delivery, readers, sessions }: Stage, at: number, bytes: number): void {
  const socket = readers[at]?.socket;
  const session = sessions[at];
  if (socket === undefined || session === undefined || socket.buffered === 0) return;
  socket.buffered = Math.max(0, socket.buffered - bytes);
  if (session.lagging !== undefined) delivery.pump(session);
}

async function play(random: SeededRandom, name: string, messages: number): Promise<Stage> {
  const stage = openStage(4, undefined, name);
  const { channel, readers } = stage;
  const text = 'x'.repeat(random.int(100, 5_000));
  let sent = 0;
  const fallenBehind = (): number => sent - Math.min(...readers.map((one) => one.got.at(-1) ?? 0));
  while (sent < messages) {
    const step = random.int(0, 9);
    if (step < 4 && fallenBehind() < 60) {
      const tails = Array.from({ length: random.int(1, 40) }, () => packTail('m', { text }, 'x'));
      channel.tracker.offer({ cls: 'reliable', epoch: 'e', first: sent + 1, ts: 1, tails });
      sent += tails.length;
      if (random.int(0, 1) === 0) stage.delivery.flush(channel);
    } else if (step < 7) {
      giveRoom(stage, random.int(0, readers.length - 1), random.int(1, 150_000));
    } else if (step < 9) {
      for (const { socket } of readers) socket.drain();
    } else {
      await nextTurn();
    }
  }
  for (let turn = 0; turn < 200 && readers.some((one) => one.got.at(-1) !== sent); turn += 1) {
    for (const { socket } of readers) socket.drain();
    readers.forEach((_, at) => giveRoom(stage, at, 1_000_000));
    await nextTurn();
  }
  return stage;
}

t.test(
  'readers that overflow at any moment see no later message before an earlier one',
  async (t) => {
    const random = seededRandom(t);
    for (let run = 0; run < 60; run += 1) {
      // A user's own channel has no topics: its frames are sent one by one.
      const { readers, channel } = await play(random, run % 3 === 0 ? 'user:1' : 'room:1', 600);
      for (const { got } of readers) {
        let last = 0;
        const jump = got.find((offset) => {
          const isAhead = offset > last + 1;
          last = Math.max(last, offset);
          return isAhead;
        });
        t.equal(jump, undefined, 'no jump ahead');
        t.equal(got.at(-1), channel.ring.top, 'everything came');
      }
    }
    const { values } = await metrics.slowReaders.get();
    t.ok((values[0]?.value ?? 0) > 100, 'they did overflow');
  },
);

t.test('who cannot take the word that a sequence begins anew is sent away', async (t) => {
  const ended: string[] = [];
  const { channel, readers } = openStage(3, ({ id }, reason) => ended.push(`${id} ${reason}`));
  const [first, second] = readers;
  if (first === undefined || second === undefined) throw new Error('there are three');
  const tails = [packTail('m', { text: 'x' }, 'x')];
  channel.tracker.offer({ cls: 'reliable', epoch: 'e', first: 1, ts: 1, tails });
  first.socket.buffered = 100_000; // takes neither the message nor the word
  channel.tracker.sync();
  channel.tracker.filled({ epoch: 'f', top: 0, first: 1, entries: [], values: [] });
  second.socket.drain();
  second.socket.buffered = 100_000; // takes the word, and not what comes after
  channel.tracker.offer({ cls: 'reliable', epoch: 'f', first: 1, ts: 1, tails });
  await nextTurn();
  for (const { socket } of readers) socket.drain();
  await nextTurn();
  t.same(ended, ['0 state_invalid']);
});

t.test('… also in a channel of its own', async (t) => {
  const ended: string[] = [];
  const end = ({ id }: Session, reason: string) => ended.push(`${id} ${reason}`);
  const { channel, readers } = openStage(2, end, 'user:1');
  const [first] = readers;
  if (first === undefined) throw new Error('there are two');
  first.socket.buffered = 100_000;
  channel.tracker.sync();
  channel.tracker.filled({ epoch: 'f', top: 0, first: 1, entries: [], values: [] });
  await nextTurn();
  t.same(ended, ['0 state_invalid']);
  t.same(
    readers.map(({ frames }) => frames.length),
    [0, 1],
  );
});

t.test('a frame that is no longer known says nothing about what was lost since', (t) => {
  const { channel } = openStage(1);
  const log = new FlushLog();
  const frame = (n: number): Frame => Buffer.from(String(n));
  for (let n = 0; n <= 512; n += 1) log.add(channel, frame(n), n);
  t.equal(log.positionsBefore(frame(0)), undefined);
  t.same([...(log.positionsBefore(frame(1))?.values() ?? [])], [1]);
  t.end();
});

t.test('values that do not fit when a reader has caught up are sent until they do', async (t) => {
  const stage = openStage(1);
  const { channel, delivery } = stage;
  const [reader] = stage.readers;
  if (reader === undefined) throw new Error('there is one');
  reader.socket.buffered = 100_000;
  for (let n = 1; n <= 10; n += 1) {
    const tail = packTail('v', { n, text: 'x'.repeat(12_000) });
    channel.takeLatest({ cls: 'latest', key: `k${n}`, version: n, ts: n, tail });
  }
  delivery.flush(channel);
  reader.socket.drain();
  await nextTurn();
  const keys = (): number =>
    new Set(
      reader.frames.flatMap((frame) =>
        typeof frame === 'string' ? [] : unpackValues(frame).map((push) => (push as unknown[])[6]),
      ),
    ).size;
  for (let turn = 0; turn < 20 && stage.sessions[0]?.lagging !== undefined; turn += 1) {
    giveRoom(stage, 0, 1_000_000);
    await nextTurn();
  }
  t.equal(keys(), 10, 'all ten');
  t.equal(stage.sessions[0]?.lagging, undefined, 'live again');
});

t.test('who reads again does not wait for a turn of each of a thousand who do not', async (t) => {
  const stage = openStage(1_001);
  const { channel, delivery, readers, sessions } = stage;
  const tails = [packTail('m', { text: 'x' }, 'x')];
  channel.tracker.offer({ cls: 'reliable', epoch: 'e', first: 1, ts: 1, tails });
  delivery.flush(channel);
  for (const session of sessions) {
    delivery.detach(session, channel);
    delivery.lag(session, channel, 0);
  }
  // The last one has room: a drain that was missed.
  const last = readers.length - 1;
  readers.forEach(({ socket, got }, at) => {
    socket.drain();
    got.length = 0;
    socket.buffered = at === last ? 0 : 65_536;
  });
  delivery.sweep();
  await nextTurn();
  await nextTurn();
  t.same(readers[last]?.got, [1], 'it has what it missed');
  giveRoom(stage, last, 1_000);
  t.ok(sessions[last]?.lagging === undefined, 'live again');
  t.equal(delivery.lagging.size, 1_000, 'the others lag on');
});
