// Who is there: every process holds a lease in Redis "realtime" and renews it, and all see the same
// list under the same version. Used by every main.ts, by InternalClient and for coordinators.
// Invariant: a process that stops renewing is off the list when its lease has run out, everywhere;
// an outage of Redis itself takes nobody off the list.
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock, type Clock } from './clock.js';
import { assert, clusterError, coerceError } from './errors.js';
import type { Logger } from './log.js';
import {
  beatMember,
  type BeatReply,
  leaveMember,
  MEMBER_KEYS,
  restoreMembers,
} from './member-scripts.js';
import type { Bus, Unsubscribe } from './pubsub/bus.js';
import type { RedisClient } from './redis.js';

export type Role = 'gateway' | 'billing' | 'rtmp' | 'edge' | 'worker' | 'web';

/** One process of the fleet. */
export interface Member {
  readonly role: Role;
  /** Unique among the members of a role; survives restarts. */
  readonly id: string;
  /** Grows with every start of this role and id; a smaller one is a process of the past. */
  readonly incarnation: number;
  /** Where it can be reached, by kind, e.g. `internal: 'http://10.0.0.4:8084'`. */
  readonly address: Readonly<Record<string, string>>;
  /** ≥ 0, in a unit of the role's own; as old as the last beat. */
  readonly load: number;
  /** Takes no new work and will leave. */
  readonly draining: boolean;
}

export interface MemberOptions {
  readonly role: Role;
  readonly id: string;
  readonly address?: Readonly<Record<string, string>>;
  /** Asked at every beat; default 0. */
  readonly load?: () => number;
  readonly log: Logger;
  /** Period of renewal; `config.members.beatMs`. */
  readonly beatMs: number;
  /** Life of an unrenewed lease, ≥ 3 beats; `config.members.leaseTtlMs`. */
  readonly leaseTtlMs: number;
  /** Spreads changes at once; without it they are seen at the next beat. */
  readonly bus?: Bus;
  /** Another process has joined with this role and id. Default: log an error. */
  readonly onSuperseded?: () => void;
  readonly clock?: Clock;
}

export type MembersListener = (members: readonly Member[], version: number) => void;

type State = 'new' | 'watching' | 'joined' | 'superseded' | 'left' | 'closed';

const TOPIC = 'cluster.members';
const LEAVE_MAX_MS = 1_500;

/**
 * This process's lease and its copy of the member list. Redis must be the same store for the whole
 * fleet; one server or a Cluster.
 */
export class MemberRegistry {
  private state: State = 'new';
  private address: Readonly<Record<string, string>>;
  private draining = false;
  private incarnation = 0;
  private known = { version: 0, records: new Map<string, string>() as ReadonlyMap<string, string> };
  private members: readonly Member[] = [];
  private lastBeatAt = -Infinity;
  private hasFailed = false;
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private unsubscribe: Unsubscribe | undefined;
  private readonly listeners = new Set<MembersListener>();
  private readonly clock: Clock;

  constructor(
    private readonly redis: RedisClient,
    private readonly options: MemberOptions,
  ) {
    assert(/^[A-Za-z0-9._-]{1,64}$/.test(options.id), `member id ${options.id}`);
    this.address = options.address ?? {};
    this.clock = options.clock ?? systemClock;
  }

  /** Version of the list, growing; 0 before the first beat. Usable as a fencing token. */
  get version(): number {
    return this.known.version;
  }

  /**
   * No beat has succeeded for the length of a lease: others may have taken this process off the
   * list.
   */
  get isStale(): boolean {
    return this.clock.monotonicMs() - this.lastBeatAt > this.options.leaseTtlMs;
  }

  /** Holds a lease that others can still see. */
  get isMember(): boolean {
    return this.state === 'joined' && !this.isStale;
  }

  /**
   * What keeps this process from being a member in good standing, for /readyz; '' when nothing
   * does.
   */
  get problem(): string {
    if (this.state !== 'joined') return `member registry: ${this.state}`;
    return this.isStale ? 'member registry: no contact with Redis' : '';
  }

  /** Own incarnation; 0 before join. */
  get self(): Pick<Member, 'role' | 'id' | 'incarnation'> {
    const { role, id } = this.options;
    return { role, id, incarnation: this.incarnation };
  }

  /**
   * All members, or those of a role, by role and id; with those that drain and with this process.
   */
  list(role?: Role): readonly Member[] {
    return role === undefined ? this.members : this.members.filter((one) => one.role === role);
  }

  /**
   * Called after every change of membership, address or draining, not of load. @returns stops it.
   */
  onChange(listener: MembersListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /**
   * Follows the list without being on it. Resolves when it is known; rejects when Redis is away.
   */
  async watch(): Promise<void> {
    assert(this.state === 'new', `watch() when ${this.state}`);
    this.state = 'watching';
    await this.begin();
  }

  /**
   * Takes a lease and follows the list. Resolves when both are done; rejects when Redis is away.
   */
  async join(): Promise<void> {
    assert(this.state === 'new' || this.state === 'watching', `join() when ${this.state}`);
    const isFirst = this.state === 'new';
    this.state = 'joined';
    await (isFirst ? this.begin() : this.beatAnew());
  }

  /**
   * Changes address or draining. Resolves when Redis has it, or has failed to take it: then it goes
   * with the next beat that succeeds. Before join() it only notes the change.
   */
  async update(change: {
    readonly address?: Readonly<Record<string, string>>;
    readonly draining?: boolean;
  }): Promise<void> {
    this.address = change.address ?? this.address;
    this.draining = change.draining ?? this.draining;
    if (this.state !== 'joined') return;
    await this.beatAnew().catch((thrown: unknown) => this.failed(thrown));
  }

  /**
   * Takes this process off the list and goes on following it. Never rejects and takes at most 1.5
   * s: with Redis away the lease runs out by itself.
   */
  async leave(): Promise<void> {
    if (this.state !== 'joined') return;
    this.state = 'left';
    const patience = new AbortController();
    const signedOff = this.signOff().catch((thrown: unknown) => this.failed(thrown));
    const late = delay(LEAVE_MAX_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([signedOff, late]);
    patience.abort();
  }

  /** leave(), and no more contact with Redis. Idempotent. */
  async close(): Promise<void> {
    if (this.state === 'closed') return;
    await this.leave();
    this.state = 'closed';
    clearTimeout(this.timer);
    this.listeners.clear();
    await this.unsubscribe?.();
  }

  private async signOff(): Promise<void> {
    await this.running?.catch(() => undefined);
    const { incarnation } = this;
    const call = { keys: MEMBER_KEYS, member: this.key, incarnation, nowMs: 0 };
    const version = await leaveMember.run(this.redis, call);
    if (version > 0) this.tellOthers(version);
    await this.beatAnew();
  }

  private get key(): string {
    return `${this.options.role}/${this.options.id}`;
  }

  private async begin(): Promise<void> {
    try {
      await this.beat();
      const wake = (): void => this.schedule(0);
      const isNews = (version: Buffer): boolean => Number(version.toString()) > this.version;
      this.unsubscribe = await this.options.bus?.subscribe(
        TOPIC,
        (version) => isNews(version) && wake(),
        { onGap: wake },
      );
    } catch (thrown) {
      this.state = 'closed';
      clearTimeout(this.timer);
      throw thrown;
    }
  }

  /** A beat that starts after this call, so that it carries what was changed before. */
  private async beatAnew(): Promise<void> {
    await this.running?.catch(() => undefined);
    await this.beat();
  }

  /** One beat at a time; ends by setting the time of the next one. */
  private beat(): Promise<void> {
    this.running ??= this.beatOnce().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async beatOnce(): Promise<void> {
    const { beatMs } = this.options;
    // After a failure sooner, so that the way back is short.
    let nextMs = beatMs / 4;
    try {
      let reply = await this.send();
      if (reply.is === 'lost') {
        await this.restore();
        reply = await this.send();
      }
      if (reply.is === 'lost') throw clusterError('MEMBERS_LOST');
      nextMs = this.accept(reply);
    } finally {
      if (this.state !== 'closed') this.schedule(nextMs);
    }
  }

  private send(): Promise<BeatReply> {
    const isMember = this.state === 'joined';
    const { address, draining } = this;
    return beatMember.run(this.redis, {
      keys: MEMBER_KEYS,
      member: isMember ? this.key : '',
      incarnation: this.incarnation,
      record: JSON.stringify({ address, draining }),
      load: isMember ? (this.options.load?.() ?? 0) : 0,
      leaseTtlMs: this.options.leaseTtlMs,
      knownVersion: this.version,
      nowMs: 0,
    });
  }

  /** Redis has come back empty. */
  private async restore(): Promise<void> {
    const { version, records } = this.known;
    const loads = new Map(this.members.map((one) => [`${one.role}/${one.id}`, one.load]));
    const members = [...records].map(([member, record]) => ({
      member,
      record,
      load: loads.get(member) ?? 0,
    }));
    const { leaseTtlMs } = this.options;
    const call = { keys: MEMBER_KEYS, knownVersion: version, leaseTtlMs, nowMs: 0, members };
    const isRestored = await restoreMembers.run(this.redis, call);
    this.options.log.warn({
      event: 'members.redis_lost_data',
      isRestored,
      members: members.length,
    });
  }

  /** @returns ms until the next beat */
  private accept(reply: Exclude<BeatReply, { is: 'lost' }>): number {
    if (reply.is === 'superseded') {
      this.superseded(reply.incarnation);
      return 0;
    }
    this.lastBeatAt = this.clock.monotonicMs();
    if (this.hasFailed) this.options.log.info({ event: 'members.redis_back' });
    this.hasFailed = false;
    if (this.state === 'joined') this.incarnation = reply.incarnation;
    const isNews = reply.version !== this.version;
    if (isNews) this.known = { version: reply.version, records: reply.records };
    this.members = readMembers(this.known.records, reply.loads);
    if (reply.hasChanged) this.tellOthers(reply.version);
    if (isNews) this.announce();
    return this.untilNextBeat(reply);
  }

  /**
   * Every process is ready when a lease runs out, so that a dead member is gone at once everywhere.
   */
  private untilNextBeat({ leases, nowMs }: Extract<BeatReply, { is: 'ok' }>): number {
    const { beatMs } = this.options;
    const ends = [...leases].filter(([member]) => member !== this.key).map(([, end]) => end);
    const spread = Math.random();
    const firstEndMs = Math.min(...ends) - nowMs + 5 + 45 * spread;
    return Math.min(beatMs * (0.9 + 0.2 * spread), firstEndMs);
  }

  private superseded(incarnation: number): void {
    const { log, onSuperseded } = this.options;
    this.state = 'superseded';
    log.error({ event: 'members.superseded', ...this.self, by: incarnation });
    onSuperseded?.();
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    if (this.state === 'closed') return;
    this.timer = setTimeout(() => {
      this.beat().catch((thrown: unknown) => this.failed(thrown));
    }, ms);
  }

  private failed(thrown: unknown): void {
    if (!this.hasFailed) {
      this.options.log.warn({ event: 'members.redis_away', err: coerceError(thrown) });
    }
    this.hasFailed = true;
  }

  /** Losing this is harmless: the others beat on their own. */
  private tellOthers(version: number): void {
    this.options.bus?.publish(TOPIC, String(version)).catch(() => undefined);
  }

  private announce(): void {
    for (const listener of [...this.listeners]) {
      try {
        listener(this.members, this.version);
      } catch (thrown) {
        this.options.log.error({ event: 'members.listener_failed', err: coerceError(thrown) });
      }
    }
  }
}

function readMembers(
  records: ReadonlyMap<string, string>,
  loads: ReadonlyMap<string, number>,
): readonly Member[] {
  const members = [...records].map(([key, value]) => readMember(key, value, loads.get(key) ?? 0));
  return Object.freeze(members.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)));
}

function readMember(key: string, value: string, load: number): Member {
  const [role = '', id = ''] = key.split('/');
  const space = value.indexOf(' ');
  const { address, draining } = JSON.parse(value.slice(space + 1)) as Pick<
    Member,
    'address' | 'draining'
  >;
  const incarnation = Number(value.slice(0, space));
  return Object.freeze({
    role: role as Role,
    id,
    incarnation,
    address: Object.freeze(address),
    load,
    draining,
  });
}

function keyOf({ role, id }: Member): string {
  return `${role}/${id}`;
}
