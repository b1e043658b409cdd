// Who was sent away, and when: what was issued before that (connect tokens, room and resume
// tickets) opens nothing any more, at any worker. Without it a page that ignores its eviction would
// come back with its resume ticket and get a new one each time. Every worker keeps what it was
// ordered; Redis hands it on to those that start later or have missed the order. Clocks of hosts
// may differ by less than a second.
import { coerceError, type Logger, type RedisClient } from '../cluster/index.js';

export interface RevocationsOptions {
  readonly redis: RedisClient;
  readonly log: Logger;
  readonly nowMs: () => number;
}

/** What an order takes away: all that an account has, or its tickets, or those of a room. */
export type Revoked =
  | { readonly account: string }
  | { readonly user: string; readonly room?: string }
  | { readonly room: string; readonly keep: readonly string[] }
  | { readonly bill: string };

/** A ticket that somebody shows. */
export interface ShownTicket {
  readonly user: string;
  readonly room: string;
  readonly bill: string | undefined;
  /** In charge of the room: orders to empty it do not mean them. */
  readonly isStaff: boolean;
  /** Unix ms, whole seconds. */
  readonly issuedMs: number;
  /** A resume ticket: its holder can get another one, so that one too many may be refused. */
  readonly isRenewable: boolean;
  /** `count` at the time when it was shown. */
  readonly shownAt: number;
}

interface Mark {
  readonly ms: number;
  /** Which of the orders to this worker it was; 0 = others had it. */
  readonly number: number;
  readonly keep: ReadonlySet<string>;
}

/** The life of connect tokens, which live longest. */
export const REVOKED_KEEP_MS = 3_600_000;
const READ_MS = 5_000;
/** Marks of others may have been written some time after they were made. */
const READ_BACK_MS = 60_000;
const KEY = 'rt:revoked';
const NOBODY: ReadonlySet<string> = new Set();

export class Revocations {
  private readonly marks = new Map<string, Mark>();
  /** What Redis has not been told yet. */
  private unwritten = new Map<string, number>();
  private isBusy = false;
  private readMs = 0;
  private orders = 0;

  constructor(private readonly options: RevocationsOptions) {}

  /** Orders since the start. */
  get count(): number {
    return this.orders;
  }

  get size(): number {
    return this.marks.size;
  }

  /** From now on; the other workers have their own word of it, or read it within 5 s. */
  add(revoked: Revoked): void {
    const subject = subjectOf(revoked);
    const ms = this.options.nowMs();
    this.orders += 1;
    const keep = 'keep' in revoked ? new Set(revoked.keep) : NOBODY;
    this.marks.set(subject, { ms, number: this.orders, keep });
    this.unwritten.set(subject, ms);
    void this.exchange();
  }

  /** Whether a connect token of that time is good no more. */
  hasEnded(account: string, issuedMs: number): boolean {
    return this.marks.size > 0 && issuedMs <= (this.marks.get(subjectOf({ account }))?.ms ?? -1);
  }

  refuses(ticket: ShownTicket): boolean {
    if (this.marks.size === 0) return false;
    const { user, room, bill, isStaff } = ticket;
    const whole = this.marks.get(subjectOf({ room, keep: [] }));
    const found = [
      this.marks.get(subjectOf({ account: user })),
      this.marks.get(subjectOf({ user })),
      this.marks.get(subjectOf({ user, room })),
      isStaff || whole?.keep.has(user) === true ? undefined : whole,
      bill === undefined ? undefined : this.marks.get(subjectOf({ bill })),
    ];
    return found.some((mark) => mark !== undefined && isBefore(ticket, mark));
  }

  /** Resolves when what was ordered before is known here, or Redis has not answered. */
  start(): Promise<void> {
    return this.exchange();
  }

  /** Once a second. */
  sweep(): void {
    if (this.unwritten.size > 0 || this.options.nowMs() - this.readMs >= READ_MS) {
      void this.exchange();
    }
  }

  /** Writes what is new here, reads what is new elsewhere. */
  private async exchange(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    const { redis, log, nowMs } = this.options;
    const now = nowMs();
    const written = this.unwritten;
    this.unwritten = new Map();
    try {
      if (written.size > 0) {
        const rows = [...written].flatMap(([subject, ms]) => [ms, subject]);
        await redis.zadd(KEY, 'GT', ...rows);
        await redis.zremrangebyscore(KEY, '-inf', now - REVOKED_KEEP_MS);
        await redis.pexpire(KEY, REVOKED_KEEP_MS);
      }
      const since = this.readMs === 0 ? now - REVOKED_KEEP_MS : this.readMs - READ_BACK_MS;
      this.take(await redis.zrangebyscore(KEY, since, '+inf', 'WITHSCORES'));
      this.readMs = now;
      this.forget(now - REVOKED_KEEP_MS);
    } catch (thrown) {
      for (const [subject, ms] of written) {
        if (!this.unwritten.has(subject)) this.unwritten.set(subject, ms);
      }
      log.debug({ event: 'revocations.failed', err: coerceError(thrown) });
      this.isBusy = false;
      return;
    }
    this.isBusy = false;
    if (this.unwritten.size > 0) await this.exchange();
  }

  private take(rows: readonly string[]): void {
    for (let at = 0; at + 1 < rows.length; at += 2) {
      const [subject = '', ms] = [rows[at], Number(rows[at + 1])];
      const known = this.marks.get(subject);
      // Most are the same order, as another worker has written it a moment later.
      if (known !== undefined && ms <= known.ms) continue;
      this.marks.set(subject, { ms, number: known?.number ?? 0, keep: known?.keep ?? NOBODY });
    }
  }

  private forget(beforeMs: number): void {
    for (const [subject, { ms }] of this.marks) if (ms < beforeMs) this.marks.delete(subject);
  }
}

/**
 * Tickets say in whole seconds when they were issued. Of the second of the mark a renewable one is
 * refused; another one may just have been got by somebody who was sent out to come in anew.
 */
function isBefore({ issuedMs, isRenewable, shownAt }: ShownTicket, mark: Mark): boolean {
  const latest = isRenewable ? issuedMs : issuedMs + 1_000;
  return latest <= mark.ms || mark.number > shownAt;
}

function subjectOf(revoked: Revoked): string {
  if ('account' in revoked) return `a ${revoked.account}`;
  if ('bill' in revoked) return `b ${revoked.bill}`;
  if ('keep' in revoked) return `r ${revoked.room}`;
  return revoked.room === undefined ? `u ${revoked.user}` : `t ${revoked.room} ${revoked.user}`;
}
