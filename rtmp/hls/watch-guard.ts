// Decides whether a session may go on watching: what the gate said within the last two seconds,
// what the bus cut off, and what to do while the gate is away. Used by the HLS server for each
// playlist request.
// Invariant: a session that was cut off never passes again, whatever an older answer of the gate
// says.
import type { Clock } from '../../cluster/index.js';
import type { WatchGate, WatchVerdict } from '../ports.js';

export interface WatchGuardOptions {
  readonly gate: WatchGate;
  readonly clock: Clock;
  /** A session that was allowed is let through for this long while the gate gives no answer. */
  readonly failOpenMs: number;
}

interface Known {
  verdict: WatchVerdict;
  askedAtMs: number;
  asking: Promise<WatchVerdict> | undefined;
}

const ANSWER_TTL_MS = 2_000;
/** Longer than any signed path lives after its last renewal. */
const CUT_TTL_MS = 3_600_000;
const IDLE_TTL_MS = 300_000;

export class WatchGuard {
  readonly #options: WatchGuardOptions;
  readonly #known = new Map<string, Known>();
  readonly #cut = new Map<string, { reason: string; atMs: number }>();

  constructor(options: WatchGuardOptions) {
    this.#options = options;
  }

  /** From now on the session gets nothing. */
  cut(sid: string, reason: string): void {
    this.#cut.set(sid, { reason, atMs: this.#now() });
    this.#known.delete(sid);
  }

  /** Without asking anybody: for segments. @returns the reason when the session was cut off */
  cutReason(sid: string): string | undefined {
    return this.#cut.get(sid)?.reason;
  }

  /** Never rejects. `free-` sessions pass: their signature says that the room was free. */
  async mayWatch(sid: string): Promise<WatchVerdict> {
    const reason = this.cutReason(sid);
    if (reason !== undefined) return { ok: false, reason };
    if (sid.startsWith('free-')) return { ok: true };
    const known = this.#known.get(sid);
    if (known !== undefined && this.#now() - known.askedAtMs < ANSWER_TTL_MS) return known.verdict;
    const verdict = await this.#ask(sid, known);
    const cutMeanwhile = this.cutReason(sid);
    return cutMeanwhile === undefined ? verdict : { ok: false, reason: cutMeanwhile };
  }

  /** Forgets what is too old to matter; call it now and then. */
  prune(): void {
    const now = this.#now();
    for (const [sid, { atMs }] of this.#cut) if (now - atMs > CUT_TTL_MS) this.#cut.delete(sid);
    for (const [sid, { askedAtMs }] of this.#known) {
      if (now - askedAtMs > IDLE_TTL_MS) this.#known.delete(sid);
    }
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }

  /** One question at a time for each session, however many requests wait for it. */
  #ask(sid: string, known: Known | undefined): Promise<WatchVerdict> {
    if (known?.asking !== undefined) return known.asking;
    const entry: Known = known ?? {
      verdict: { ok: false, reason: 'gate_unavailable' },
      askedAtMs: -Infinity,
      asking: undefined,
    };
    entry.asking = this.#options.gate
      .mayWatch(sid)
      .then((verdict) => {
        entry.verdict = verdict;
        entry.askedAtMs = this.#now();
        return verdict;
      })
      .catch((): WatchVerdict => {
        const isFresh = this.#now() - entry.askedAtMs < this.#options.failOpenMs;
        return isFresh ? entry.verdict : { ok: false, reason: 'gate_unavailable' };
      })
      .finally(() => {
        entry.asking = undefined;
      });
    this.#known.set(sid, entry);
    return entry.asking;
  }
}
