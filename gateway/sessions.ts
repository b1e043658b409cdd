// All connections of this worker, by user and network too; looked after in slices, so that no
// connection has a timer.
import { networkOf } from './address-caps.js';
import { limits, type CloseReason } from './protocol/index.js';
import type { Session } from './session.js';

export interface SessionsOptions {
  readonly nowMs: () => number;
  readonly end: (session: Session, reason: CloseReason) => void;
}

/** A full round over all connections takes so many sweeps. */
const SLICES = 10;

export class Sessions {
  private readonly all = new Set<Session>();
  /** In order of arrival; those that have connected or ended meanwhile go at the next sweep. */
  private unconnected: Session[] = [];
  /** Most users have one connection here. */
  private readonly users = new Map<string, Session | Set<Session>>();
  /** Open connections by network; as many rows as networks that have one. */
  private readonly networks = new Map<string, number>();
  private round: Iterator<Session> | undefined;

  constructor(private readonly options: SessionsOptions) {}

  get size(): number {
    return this.all.size;
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.all[Symbol.iterator]();
  }

  add(session: Session): void {
    this.all.add(session);
    this.unconnected.push(session);
    this.count(networkOf(session.address), 1);
  }

  connected(session: Session): void {
    const id = session.user?.id;
    if (id === undefined) return;
    const known = this.users.get(id);
    if (known === undefined) this.users.set(id, session);
    else if (known instanceof Set) known.add(session);
    else this.users.set(id, new Set([known, session]));
  }

  remove(session: Session): void {
    if (!this.all.delete(session)) return;
    this.count(networkOf(session.address), -1);
    const id = session.user?.id;
    const known = id === undefined ? undefined : this.users.get(id);
    if (id === undefined || known === undefined) return;
    if (known instanceof Set) known.delete(session);
    const isLast = known instanceof Set ? known.size === 0 : known === session;
    if (isLast) this.users.delete(id);
  }

  /** Connections from a network as networkOf names it. */
  countOf(network: string): number {
    return this.networks.get(network) ?? 0;
  }

  private count(network: string, change: 1 | -1): void {
    const count = this.countOf(network) + change;
    if (count > 0) this.networks.set(network, count);
    else this.networks.delete(network);
  }

  ofUser(id: string): readonly Session[] {
    const known = this.users.get(id);
    return known instanceof Set ? [...known] : known === undefined ? [] : [known];
  }

  /** Once a second: those that never connected, and one slice of all for ended tokens. */
  sweep(): void {
    const now = this.options.nowMs();
    this.unconnected = this.unconnected.filter(
      (session) => session.user === undefined && !session.isEnded,
    );
    for (const session of this.unconnected) {
      if (now - session.openedAtMs < limits.connectDeadlineMs) break;
      this.options.end(session, 'connect_deadline');
    }
    this.round ??= this.all[Symbol.iterator]();
    for (let left = Math.ceil(this.all.size / SLICES); left > 0; left -= 1) {
      const step: IteratorResult<Session, unknown> = this.round.next();
      if (step.done === true) {
        this.round = undefined;
        return;
      }
      const session = step.value;
      if (session.user !== undefined && session.tokenExpMs <= now) {
        this.options.end(session, 'token_expired');
      }
    }
  }
}
