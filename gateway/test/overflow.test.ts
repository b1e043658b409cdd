// Readers that overflow again and again while their socket gets room at any moment: delivery over a
// model of uWebSockets' topic tree, driven by a seeded schedule. The model keeps the library's
// rules: frames of a tick wait per socket, the 33rd forces a write in the middle of a publish, a
// frame that does not fit is told once and ends the batch, and what comes after may fit again.
import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { createMetrics } from '../../cluster/index.js';
import { seededRandom, type SeededRandom } from '../../cluster/testing/index.js';
import { Channel } from '../channel.js';
import { Delivery } from '../delivery.js';
import { FlushWindow } from '../flush-window.js';
import { createGatewayMetrics } from '../metrics.js';
import { packTail } from '../packet.js';
import { unpackValues, type Frame } from '../protocol/index.js';
import { Session } from '../session.js';
import type { SendResult, Socket, TopicPublisher } from '../socket.js';

const FRAMES_HELD = 32;
const LIMIT_BYTES = 65_536;
const CORK_BYTES = 16_384;

class ModelSocket implements Socket {
  readonly topics = new Set<string>();
  readonly got: number[] = [];
  buffered = 0;
  private held: Frame[] = [];
  private isDraining = false;

  constructor(private readonly onDropped: (frame: Frame) => void) {}

  hold(frame: Frame): void {
    if (frame.length >= CORK_BYTES) {
      this.drain();
      this.accept(frame);
      return;
    }
    if (this.held.length === FRAMES_HELD) this.drain();
    this.held.push(frame);
  }

  drain(): void {
    if (this.isDraining) return;
    this.isDraining = true;
    const { held } = this;
    this.held = [];
    for (const frame of held) if (!this.accept(frame)) break;
    this.isDraining = false;
  }

  send(frame: Frame): SendResult {
    if (this.buffered > LIMIT_BYTES) return 'dropped';
    this.drain();
    this.take(frame);
    return this.buffered > 0 ? 'queued' : 'sent';
  }

  bufferedBytes(): number {
    return this.buffered;
  }

  subscribe(topic: string): void {
    this.topics.add(topic);
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
  }

  end(): void {
    throw new Error('nobody is closed here');
  }

  terminate(): void {
    this.end();
  }

  private accept(frame: Frame): boolean {
    if (this.buffered > LIMIT_BYTES) {
      this.onDropped(frame);
      return false;
    }
    this.take(frame);
    return true;
  }

  private take(frame: Frame): void {
    this.buffered += frame.length;
    if (typeof frame === 'string') return;
    for (const value of unpackValues(frame)) {
      const offset: unknown = Array.isArray(value) ? value[1] : 0;
      if (typeof offset === 'number' && offset > 0) this.got.push(offset);
    }
  }
}

interface Stage {
  readonly channel: Channel;
  readonly delivery: Delivery;
  readonly sockets: readonly ModelSocket[];
  readonly sessions: readonly Session[];
}

const metrics = createGatewayMetrics(createMetrics('gateway', { process: false }));

function openStage(readers: number): Stage {
  let now = 1;
  const delivery = new Delivery({
    nowMs: () => (now += 0.01),
    window: new FlushWindow(),
    metrics,
    older: () => Promise.reject(new Error('the ring is long enough')),
    end: () => t.fail('nobody is given up'),
  });
  const channel = new Channel('room:1', 1, {
    fill: () => undefined,
    pending: (one, isUrgent) => delivery.schedule(one, isUrgent),
    appended: () => undefined,
    overflowing: (one) => delivery.flush(one),
    restarting: () => undefined,
    restarted: () => undefined,
  });
  channel.tracker.sync();
  channel.tracker.filled({ epoch: 'e', top: 0, first: 1, entries: [], values: [] });
  const sockets: ModelSocket[] = [];
  const sessions = Array.from({ length: readers }, (_, at) => {
    const session = new Session({
      ...({ encoding: 'rt1.msgpack', transport: 'websocket', address: '' } as const),
      ...{ id: String(at), openedAtMs: 0 },
    });
    const socket = new ModelSocket((frame) => delivery.dropped(session, frame));
    session.socket = socket;
    session.channels.set(channel.name, channel);
    channel.members.set(session, { level: 'view', groups: 0 });
    delivery.attach(session, channel);
    sockets.push(socket);
    return session;
  });
  const topics: TopicPublisher = {
    publish(topic, frame) {
      for (const socket of sockets) if (socket.topics.has(topic)) socket.hold(frame);
    },
  };
  delivery.addPublisher(topics);
  return { channel, delivery, sockets, sessions };
}

/** The kernel takes some or all of what a socket holds. */
function giveRoom({ delivery, sockets, sessions }: Stage, at: number, bytes: number): void {
  const socket = sockets[at];
  const session = sessions[at];
  if (socket === undefined || session === undefined || socket.buffered === 0) return;
  socket.buffered = Math.max(0, socket.buffered - bytes);
  if (session.lagging !== undefined) delivery.pump(session);
}

async function play(random: SeededRandom, messages: number): Promise<Stage> {
  const stage = openStage(4);
  const { channel, sockets } = stage;
  const text = 'x'.repeat(random.int(100, 5_000));
  let sent = 0;
  const fallenBehind = (): number => sent - Math.min(...sockets.map((one) => one.got.at(-1) ?? 0));
  while (sent < messages) {
    const step = random.int(0, 9);
    if (step < 4 && fallenBehind() < 60) {
      const tails = Array.from({ length: random.int(1, 40) }, () => packTail('m', { text }, 'x'));
      channel.tracker.offer({ cls: 'reliable', epoch: 'e', first: sent + 1, ts: 1, tails });
      sent += tails.length;
      if (random.int(0, 1) === 0) stage.delivery.flush(channel);
    } else if (step < 7) {
      giveRoom(stage, random.int(0, sockets.length - 1), random.int(1, 150_000));
    } else if (step < 9) {
      for (const socket of sockets) socket.drain();
    } else {
      await nextTurn();
    }
  }
  for (let turn = 0; turn < 200 && sockets.some((one) => one.got.at(-1) !== sent); turn += 1) {
    for (const socket of sockets) socket.drain();
    sockets.forEach((_, at) => giveRoom(stage, at, 1_000_000));
    await nextTurn();
  }
  return stage;
}

t.test(
  'readers that overflow at any moment see no later message before an earlier one',
  async (t) => {
    const random = seededRandom(t);
    for (let run = 0; run < 60; run += 1) {
      const { sockets, channel } = await play(random, 600);
      for (const { got } of sockets) {
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
