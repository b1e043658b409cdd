// Which rooms this worker looks after. Each room that has listeners has one coordinator among the
// workers that have them: bounded rendezvous says who should claim the lease, the lease in Redis
// says who has it. Off the message path: without a coordinator a room's summaries (viewer count …)
// stand still until the lease has run out; order and loss do not depend on it. Invariant: whatever
// a coordinator writes carries its fencing token, and the token of a later owner is higher.
import {
  coerceError,
  rankMembers,
  rendezvous,
  type Logger,
  type RedisClient,
} from '../cluster/index.js';
import { claimRoom, shareLoad } from './coordinator-scripts.js';

/** A room with listeners at this worker. */
export interface CoordinatedRoom {
  readonly name: string;
}

export interface CoordinatorsOptions<R extends CoordinatedRoom> {
  readonly redis: RedisClient;
  readonly log: Logger;
  /** Unique per process start. */
  readonly worker: string;
  /** Monotonic, ms. */
  readonly nowMs: () => number;
  /** Rooms that have listeners here. */
  readonly rooms: () => Iterable<R>;
  /** Workers that have listeners in the room, this one among them or not. */
  readonly workersOf: (room: R) => readonly string[];
  /** What the coordinator of a room does; one script that checks the token and renews the lease. */
  readonly duty: (room: R, token: number, leaseMs: number) => Promise<DutyOutcome>;
  /** Default 5,000 ms. */
  readonly leaseMs?: number;
}

/** fenced: another worker has a higher token; waiting: there is something to publish soon. */
export type DutyOutcome = 'published' | 'waiting' | 'unchanged' | 'fenced';

interface Lease {
  token: number;
  /** By our own clock and with a margin, so that we stop before Redis gives it to another. */
  untilMs: number;
  /** A room in which nothing moves is looked at less often. */
  nextMs: number;
}

/** How far above the mean of the live workers one may go before it gives rooms away. */
const OVERLOAD = 1.25;
/** Part of the lease after which a quiet room is looked at again. */
const QUIET_SHARE = 0.4;
/** Calls on their way at once. */
const BATCH = 128;

export class Coordinators<R extends CoordinatedRoom> {
  private readonly held = new Map<string, Lease>();
  /** Until when another worker has the room. */
  private readonly foreign = new Map<string, number>();
  private loads: ReadonlyMap<string, number> = new Map();
  private isBusy = false;
  private readonly leaseMs: number;

  constructor(private readonly options: CoordinatorsOptions<R>) {
    this.leaseMs = options.leaseMs ?? 5_000;
  }

  /** Rooms that this worker coordinates now. */
  get size(): number {
    return this.held.size;
  }

  /** The fencing token for a room; undefined when another worker, or nobody, coordinates it. */
  tokenOf(room: string): number | undefined {
    const lease = this.held.get(room);
    return lease !== undefined && lease.untilMs > this.options.nowMs() ? lease.token : undefined;
  }

  /** Once a second. Skipped while the sweep before has not ended, as when Redis is slow. */
  async sweep(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      await this.round();
    } catch (thrown) {
      this.options.log.debug({ event: 'coordinators.sweep_failed', err: coerceError(thrown) });
    } finally {
      this.isBusy = false;
    }
  }

  /**
   * Gives all rooms back, so that others need not wait for the leases to end; while Redis is away
   * they have to.
   */
  async leave(): Promise<void> {
    const { redis, worker, log } = this.options;
    const names = [...this.held.keys()];
    try {
      await Promise.all(names.map((name) => this.release(name)));
      await shareLoad(redis, { worker, rooms: -1, ttlMs: 0 });
    } catch (thrown) {
      log.debug({ event: 'coordinators.leave_failed', err: coerceError(thrown) });
    }
  }

  private async round(): Promise<void> {
    const { redis, worker } = this.options;
    const ttlMs = this.leaseMs * 2;
    this.loads = await shareLoad(redis, { worker, rooms: this.held.size, ttlMs });
    const rooms = new Map([...this.options.rooms()].map((room) => [room.name, room]));
    for (const name of [...this.held.keys()]) if (!rooms.has(name)) await this.release(name);
    for (const name of this.foreign.keys()) if (!rooms.has(name)) this.foreign.delete(name);
    await this.shed(rooms);
    const all = [...rooms.values()];
    for (let at = 0; at < all.length; at += BATCH) {
      await Promise.all(all.slice(at, at + BATCH).map((room) => this.tend(room)));
    }
  }

  private async tend(room: R): Promise<void> {
    const { nowMs, worker, duty } = this.options;
    const askedMs = nowMs();
    const lease = this.held.get(room.name) ?? (await this.acquire(room, askedMs));
    if (lease === undefined || lease.nextMs > askedMs) return;
    const outcome = await duty(room, lease.token, this.leaseMs);
    if (outcome === 'fenced') {
      this.held.delete(room.name);
      this.options.log.debug({ event: 'coordinators.fenced', worker });
      return;
    }
    lease.untilMs = askedMs + this.leaseMs;
    lease.nextMs = outcome === 'unchanged' ? askedMs + this.leaseMs * QUIET_SHARE : askedMs;
  }

  /** Claims the room when it is this worker's turn. */
  private async acquire(room: R, askedMs: number): Promise<Lease | undefined> {
    const { redis, worker } = this.options;
    if ((this.foreign.get(room.name) ?? 0) > askedMs) return undefined;
    if (this.choose(room) !== worker) return undefined;
    const args = { channel: room.name, worker, token: 0, ttlMs: this.leaseMs };
    const { token, leftMs } = await claimRoom.run(redis, args);
    if (token === 0) {
      this.foreign.set(room.name, askedMs + leftMs);
      return undefined;
    }
    const lease = { token, untilMs: askedMs + this.leaseMs, nextMs: askedMs };
    this.foreign.delete(room.name);
    this.held.set(room.name, lease);
    return lease;
  }

  /** The worker that should claim the room, by what this one knows of the loads. */
  private choose(room: R): string | undefined {
    const live = this.options.workersOf(room).filter((id) => this.loads.has(id));
    const members = live.map((id) => ({ id }));
    return rendezvous(room.name, members, { of: (id) => this.loadOf(id) })?.id;
  }

  private loadOf(id: string): number {
    return id === this.options.worker ? this.held.size : (this.loads.get(id) ?? 0);
  }

  private async release(name: string): Promise<void> {
    const { redis, worker } = this.options;
    const lease = this.held.get(name);
    this.held.delete(name);
    if (lease === undefined) return;
    await claimRoom.run(redis, { channel: name, worker, token: lease.token, ttlMs: 0 });
  }

  /** Gives away what exceeds the bound: the rooms in which others rank above this worker first. */
  private async shed(rooms: ReadonlyMap<string, R>): Promise<void> {
    const { worker } = this.options;
    const live = [...this.loads.keys()];
    if (live.length < 2) return;
    const total = [...this.loads.values()].reduce((sum, load) => sum + load, 0);
    let surplus = this.held.size - Math.ceil((OVERLOAD * total) / live.length) - 1;
    const members = live.map((id) => ({ id }));
    const rankHere = (name: string): number =>
      rankMembers(name, members).findIndex(({ id }) => id === worker);
    if (surplus <= 0) return;
    const worstFirst = [...this.held.keys()].sort((a, b) => rankHere(b) - rankHere(a));
    for (const name of worstFirst) {
      if (surplus <= 0) return;
      const room = rooms.get(name);
      const others = room === undefined ? [] : this.options.workersOf(room);
      if (!others.some((id) => id !== worker && this.loads.has(id))) continue;
      await this.release(name);
      this.foreign.set(name, this.options.nowMs() + this.leaseMs);
      surplus -= 1;
    }
  }
}
