// One client that comes back: it keeps its place in a room over lost connections and hand-overs,
// pauses as the reference client does, and accounts for each message by its offset. A raw socket
// underneath, so that thousands fit into one process.
import { createTokenService } from '../../cluster/index.js';
import { reconnectPause } from '../../gateway/client/index.js';
import { codecOf, unpackValues, type Position } from '../../gateway/protocol/index.js';
import { preciseNowMs } from '../lib/open-loop.js';
import { introductionOf, type Dialect } from './dialects.js';
import { openReader, type Reader } from './reader.js';

export interface ReturnerOptions {
  readonly index: number;
  readonly user: string;
  readonly room: string;
  readonly secret: string;
  /** Where to connect next. */
  readonly port: () => number;
  /** The first attempt after a lost link falls into [0, this); undefined = the client's default. */
  readonly firstMs: () => number | undefined;
}

/** One connection; aliases are its own. */
interface Link {
  alias: number;
}

const MOVE_MS = 1_000;
const codec = codecOf('rt1.msgpack');

export class Returner {
  /** Offset of the newest message that was shown. */
  last = 0;
  /** Jumped over and not come since. */
  readonly missing = new Set<number>();
  /** Times that a later message came before an earlier one. */
  jumps = 0;
  /** Came again and were skipped. */
  repeats = 0;
  /** Returns that were not continued from the position. */
  unrecovered = 0;
  refused = 0;
  failed = 0;
  /** Without a connection since the last mark, ms. */
  downMs = 0;
  /** When it was last joined, Unix ms. */
  joinedMs = 0;
  /** Of the last connect and its answer, with what was replayed. */
  helloBytes = 0;
  replyBytes = 0;
  /** Sent → shown, ms. */
  latencies: number[] = [];
  private epoch = '';
  private ticket: string;
  private readonly token: string;
  private current: Reader | undefined;
  private downSince: number | undefined;
  private isComing = false;
  /** The server has said that it leaves: whoever loses it then comes back sooner. */
  private isTold = false;
  private tries = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ReturnerOptions) {
    const { user: sub, room, secret } = options;
    const tokens = createTokenService(secret);
    this.token = tokens.sign('connect', { sub, name: `viewer-${sub}`, role: 'viewer' }, 3_600);
    this.ticket = tokens.sign('room', { sub, room, level: 'participant' }, 600);
  }

  get isJoined(): boolean {
    return this.current !== undefined;
  }

  mark(): void {
    this.downMs = 0;
    this.jumps = 0;
    this.repeats = 0;
    this.unrecovered = 0;
    this.refused = 0;
    this.failed = 0;
    this.latencies = [];
  }

  async open(): Promise<void> {
    if (this.isComing) return;
    this.isComing = true;
    clearTimeout(this.timer);
    const link: Link = { alias: -1 };
    try {
      const { index, port } = this.options;
      const reader = await openReader({
        ...{ dialect: this.dialect(link), index, host: '127.0.0.1', port: port() },
        witness: this.witness(link),
        onLost: (lost) => this.lost(lost),
      });
      this.joined(reader);
    } catch (thrown) {
      const isRefused = thrown instanceof Error && thrown.message.includes(' 503 ');
      if (isRefused) this.refused += 1;
      else this.failed += 1;
      this.isComing = false;
      this.again();
    }
  }

  /** Stops reading, or reads on; a new connection reads. */
  pause(): void {
    this.current?.pause();
  }

  resume(): void {
    this.current?.resume();
  }

  /** Goes to where it is to connect next, as if its server had said so. */
  move(): void {
    if (this.current !== undefined) this.leave(MOVE_MS);
  }

  private joined(reader: Reader): void {
    const old = this.current;
    this.current = reader;
    this.isComing = false;
    this.tries = 0;
    this.isTold = false;
    clearTimeout(this.timer);
    this.joinedMs = preciseNowMs();
    if (this.downSince !== undefined) this.downMs += performance.now() - this.downSince;
    this.downSince = undefined;
    old?.close();
    // The server may have ended it in the moment between its answer and this.
    if (reader.isLost) this.lost(reader);
  }

  private lost(reader: Reader): void {
    if (reader !== this.current) return;
    this.current = undefined;
    this.downSince = performance.now();
    if (!this.isComing) this.again();
  }

  private again(): void {
    this.tries += 1;
    const firstMs = this.options.firstMs();
    const advice = this.isTold ? 'at-once' : 'back-off';
    const pause = reconnectPause(
      { attempt: this.tries, advice, random: Math.random() },
      firstMs === undefined ? {} : { firstMs },
    );
    this.later(pause ?? 0);
  }

  private dialect(link: Link): Dialect {
    return {
      path: () => '/',
      introduce: () => {
        const hello = codec.encode([this.connectCommand()]);
        this.helloBytes = hello.length;
        return introductionOf(codec.name, hello);
      },
      join: (_n, payload) => {
        this.replyBytes = payload.length;
        const [reply, ...pushes] = unpackValues(payload);
        this.takeReply(link, reply);
        for (const push of pushes) this.take(link, push);
        return { isJoined: true, frames: [] };
      },
      witness: () => this.witness(link),
    };
  }

  private witness(link: Link) {
    return {
      ...{ messages: 0, repeats: 0, faults: [], latencies: [] },
      take: (payload: Buffer): void => {
        for (const value of unpackValues(payload)) this.take(link, value);
      },
    };
  }

  private connectCommand() {
    const { room, user } = this.options;
    const pos: Position = [this.epoch, this.last];
    const place = this.epoch === '' ? {} : { pos };
    return {
      ...({ c: 'connect', i: 1, token: this.token } as const),
      subs: [{ ch: `room:${room}`, ticket: this.ticket, ...place }, { ch: `user:${user}` }],
    };
  }

  /** @throws Error when refused */
  private takeReply(link: Link, reply: unknown): void {
    const { r } = reply as { r?: { subs: readonly Outcome[] } };
    const [room] = r?.subs ?? [];
    if (room?.a === undefined) throw new Error(`refused: ${JSON.stringify(reply)}`);
    const isReturn = this.epoch !== '';
    link.alias = room.a;
    this.ticket = room.resume ?? this.ticket;
    if (isReturn && room.recovered !== true) this.unrecovered += 1;
    if (!isReturn) this.last = room.from ?? 0;
    this.epoch = room.epoch ?? '';
  }

  private take(link: Link, value: unknown): void {
    if (!Array.isArray(value)) {
      const { p, ms } = value as { p?: string; ms?: number };
      if (p === 'bye' && !this.isComing) this.leave(ms ?? 0);
      return;
    }
    const [alias, offset, , , body] = value as [number, number, number, string, { text?: string }];
    if (alias !== link.alias || offset === 0) return;
    if (offset <= this.last) {
      if (!this.missing.delete(offset)) this.repeats += 1;
      return;
    }
    if (offset > this.last + 1) this.jumps += 1;
    for (let hole = this.last + 1; hole < offset; hole += 1) this.missing.add(hole);
    this.last = offset;
    this.latencies.push(preciseNowMs() - Number.parseFloat(body.text ?? ''));
  }

  /** The server hands over: the new connection first, then the old one goes. */
  private leave(ms: number): void {
    this.isTold = true;
    this.later(Math.floor(Math.random() * ms));
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.open(), ms);
  }
}

interface Outcome {
  readonly a?: number;
  readonly epoch?: string;
  readonly from?: number;
  readonly recovered?: boolean;
  readonly resume?: string;
}
