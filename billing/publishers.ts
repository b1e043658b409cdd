// Which streams are live, as told by hooks and by the bus, and what follows for paid sessions: no
// charge while a stream is down, the end of the show when it stays down. State is in Redis, so any
// process may go on.
import {
  type Clock,
  coerceError,
  defineScript,
  type Logger,
  type RedisClient,
} from '../cluster/index.js';
import type { Announcer } from './announcer.js';
import type { Engine } from './engine.js';
import type { EndReason } from './schema.js';
import type { TermsStore } from './terms.js';

const KEY = '{live}:publishers';
const SHOWS_KEY = '{live}:shows';

export interface PublishersOptions {
  readonly redis: RedisClient;
  readonly engine: Pick<Engine, 'setRoom'>;
  readonly terms: Pick<TermsStore, 'byStream'>;
  readonly announcer: Announcer;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  /** A publisher that was not heard of for this long is gone. */
  readonly staleMs: number;
  /** A publisher that returns within this time continues its show. */
  readonly reconnectGraceMs: number;
  readonly policy: 'replace' | 'refuse';
  /** Longest show where the room does not say otherwise; 0 = no limit. */
  readonly showMaxMs: number;
  readonly now?: () => number;
}

/** Without a look for that long billing was away. */
const AWAY_MS = 10_000;

interface Publisher {
  readonly streamId: string;
  readonly session: string;
  readonly node: string;
}

interface Entry extends Publisher {
  readonly state: 'live' | 'down';
  readonly sinceMs: number;
  readonly seenMs: number;
  /** Of the show; 0 while nobody has said. */
  readonly beganMs: number;
}

interface ReachedLimit {
  readonly roomId: string;
  readonly performerId: string;
  readonly maxMs: number;
}

const script = <A extends readonly (string | number)[]>(name: string) =>
  defineScript<A, readonly string[]>({
    file: new URL(`./lua/${name}.lua`, import.meta.url),
    encode: (argv) => ({ keys: [KEY, SHOWS_KEY], argv }),
    decode: (reply) => (Array.isArray(reply) ? reply.map(String) : [String(reply)]),
    onMissing: 'load',
  });

const claimPublisher =
  script<[number, string, string, string, number, string, string]>('claim-publisher');
const touchPublisher = script<[number, string, string, string]>('touch-publisher');
const releasePublisher = script<[number, string, string]>('release-publisher');

export class Publishers {
  /** Shows that this process has ended because of their limit: stream → when it began. */
  private readonly endedAtLimit = new Map<string, number>();
  /** Entries as they stood, and since when this process has seen them so (monotonic ms). */
  private watched = new Map<string, { readonly entry: string; readonly sinceMs: number }>();
  private sweptAtMs = -Infinity;

  constructor(private readonly options: PublishersOptions) {}

  /** @returns false when another session publishes the stream and may stay */
  async claim(publisher: Publisher, replaces: string | undefined): Promise<boolean> {
    const { redis, staleMs, policy, announcer, log } = this.options;
    const { streamId, session, node } = publisher;
    const [verdict, before = '-', beforeNode = '-'] = await claimPublisher.run(redis, [
      ...([this.now(), streamId, session, node, staleMs, replaces ?? '-', policy] as const),
    ]);
    if (verdict !== 'accepted') return false;
    // The node that says what it replaces drops the old publisher itself.
    if (before !== '-' && before !== replaces) {
      log.info({ event: 'publisher.taken_over', streamId, from: beforeNode, to: node });
      announcer.kick({ streamId, reason: 'taken_over', session: before });
    }
    await this.tell(streamId, 'live', 0, 'show_ended');
    return true;
  }

  /** @returns false when another session publishes the stream */
  async touch({ streamId, session, node }: Publisher): Promise<boolean> {
    const { redis } = this.options;
    const [verdict] = await touchPublisher.run(redis, [this.now(), streamId, session, node]);
    if (verdict === 'resumed') await this.tell(streamId, 'live', 0, 'show_ended');
    return verdict !== 'other';
  }

  /** A media node says on the bus that the stream is live; the hooks of its session say more. */
  async seen(streamId: string, node: string): Promise<void> {
    const stored = await this.options.redis.hget(KEY, streamId);
    const known = stored === null ? undefined : parseEntry(streamId, stored, 0);
    if (known?.state === 'live') return;
    await this.touch({ streamId, session: known?.session ?? `bus:${node}`, node });
  }

  /** The hook session is over. */
  release(streamId: string, session: string): Promise<void> {
    return this.down(streamId, `session:${session}`);
  }

  /** A media node says that the stream has ended there. */
  ended(streamId: string, node: string): Promise<void> {
    return this.down(streamId, `node:${node}`);
  }

  /** The terms of a room changed: its shards learn whether the stream is live. */
  async tellStream(streamId: string): Promise<void> {
    const stored = await this.options.redis.hget(KEY, streamId);
    const isLive = stored !== null && parseEntry(streamId, stored, 0)?.state === 'live';
    if (isLive) await this.tell(streamId, 'live', 0, 'show_ended');
  }

  /**
   * Whether the show has reached its time limit: its publisher has to go, and may begin another
   * show when it has been gone for the time that a reconnect may take. Who is denied by this leaves
   * at once, perhaps before the next look: everybody is told why first.
   */
  async isOver(streamId: string): Promise<boolean> {
    const { redis } = this.options;
    const [stored, began] = await Promise.all([
      redis.hget(KEY, streamId),
      redis.hget(SHOWS_KEY, streamId),
    ]);
    const entry = stored === null ? undefined : parseEntry(streamId, stored, Number(began ?? 0));
    const reached = entry === undefined ? undefined : await this.limitReached(entry);
    if (entry === undefined || reached === undefined) return false;
    if (entry.state === 'live') await this.endShow(entry, reached);
    return true;
  }

  /**
   * Marks silent publishers down, ends shows at their limit and those that stayed down. Run every
   * second by each process. Silent is what has not changed for as long as this process has looked:
   * clocks that differ or jump, and an outage of billing itself, end no show.
   */
  async sweep(): Promise<void> {
    const { redis, staleMs, reconnectGraceMs, log } = this.options;
    const entries = await this.entries();
    this.watch(entries);
    for (const entry of entries) {
      const { streamId, state, sinceMs, session } = entry;
      const unchangedMs = this.sweptAtMs - (this.watched.get(streamId)?.sinceMs ?? Infinity);
      try {
        if (state === 'live' && unchangedMs >= staleMs) {
          log.warn({ event: 'publisher.silent', streamId, node: entry.node });
          await this.release(streamId, session);
        } else if (state === 'down' && unchangedMs >= reconnectGraceMs) {
          await this.tell(streamId, 'ended', sinceMs, 'show_ended');
          await releasePublisher.run(redis, [this.now(), streamId, `drop:${sinceMs}`]);
          this.endedAtLimit.delete(streamId);
        } else if (state === 'live') {
          await this.endAtLimit(entry);
        }
      } catch (thrown) {
        log.warn({ event: 'publisher.sweep_failed', streamId, err: coerceError(thrown) });
      }
    }
  }

  /** After a pause of our own everything is seen anew: meanwhile nobody could tell us anything. */
  private watch(entries: readonly Entry[]): void {
    const nowMs = this.options.clock.monotonicMs();
    const before = nowMs - this.sweptAtMs > AWAY_MS ? undefined : this.watched;
    this.sweptAtMs = nowMs;
    this.watched = new Map(
      entries.map(({ streamId, state, sinceMs, seenMs }) => {
        const entry = `${state} ${sinceMs} ${seenMs}`;
        const known = before?.get(streamId);
        return [streamId, known?.entry === entry ? known : { entry, sinceMs: nowMs }];
      }),
    );
  }

  /** After a rebuild the shards do not know what is live: tells them all. */
  async tellAll(): Promise<void> {
    for (const { streamId, state } of await this.entries()) {
      if (state === 'live') await this.tell(streamId, 'live', 0, 'show_ended');
    }
  }

  /** Ends all paid sessions of a room now. */
  async endRoom(roomId: string, reason: EndReason): Promise<void> {
    const { engine, announcer } = this.options;
    const ended = await engine.setRoom({ room: roomId, state: 'ended', sinceMs: 0, reason });
    for (const one of ended) announcer.cut({ ...one, room: roomId }, 'cut');
  }

  private async endAtLimit(entry: Entry): Promise<void> {
    const reached = await this.limitReached(entry);
    if (reached !== undefined) await this.endShow(entry, reached);
  }

  /** At each look until the publisher is gone, for orders get lost; the news once. */
  private async endShow({ streamId, beganMs }: Entry, reached: ReachedLimit): Promise<void> {
    const { announcer, log } = this.options;
    const { roomId, performerId, maxMs } = reached;
    announcer.kick({ streamId, reason: 'time_limit' });
    await this.endRoom(roomId, 'time_limit');
    if (this.endedAtLimit.get(streamId) === beganMs) return;
    announcer.showOver({ roomId, performerId, beganMs, maxMs });
    this.endedAtLimit.set(streamId, beganMs);
    log.info({ event: 'publisher.time_limit', streamId, roomId, maxMs });
  }

  private async limitReached({ streamId, beganMs }: Entry): Promise<ReachedLimit | undefined> {
    const { terms, clock, showMaxMs } = this.options;
    const room = beganMs === 0 ? undefined : await terms.byStream(streamId);
    if (room === undefined) return undefined;
    const maxMs = room.showMaxMs ?? showMaxMs;
    const ageMs = (this.now() || clock.nowMs()) - beganMs;
    return maxMs > 0 && ageMs >= maxMs ? { ...room, maxMs } : undefined;
  }

  private async down(streamId: string, who: string): Promise<void> {
    const { redis } = this.options;
    const [verdict] = await releasePublisher.run(redis, [this.now(), streamId, who]);
    if (verdict === 'released') await this.tell(streamId, 'down', 0, 'show_ended');
  }

  private async tell(
    streamId: string,
    state: 'live' | 'down' | 'ended',
    sinceMs: number,
    reason: EndReason,
  ): Promise<void> {
    const { terms, engine, announcer } = this.options;
    const room = await terms.byStream(streamId);
    if (room === undefined) return;
    const ended = await engine.setRoom({ room: room.roomId, state, sinceMs, reason });
    for (const one of ended) announcer.cut({ ...one, room: room.roomId }, 'cut');
  }

  private async entries(): Promise<readonly Entry[]> {
    const { redis } = this.options;
    const [stored, began] = await Promise.all([redis.hgetall(KEY), redis.hgetall(SHOWS_KEY)]);
    return Object.entries(stored).flatMap(([id, text]) => {
      return parseEntry(id, text, Number(began[id] ?? 0)) ?? [];
    });
  }

  private now(): number {
    return this.options.now?.() ?? 0;
  }
}

function parseEntry(streamId: string, text: string, beganMs: number): Entry | undefined {
  const match = /^(\S+) (\S+) (live|down) (\d+) (\d+)$/.exec(text);
  if (match === null) return undefined;
  const [, session = '', node = '', state, since, seen] = match;
  return {
    ...{ streamId, session, node },
    state: state === 'live' ? 'live' : 'down',
    sinceMs: Number(since),
    seenMs: Number(seen),
    beganMs,
  };
}
