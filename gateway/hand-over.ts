// How the clients of a leaving worker go elsewhere: told one after the other, at a set rate, and
// no more of them at a time than those who take over can keep up with. Nobody is cut off here:
// each connects elsewhere first and closes by itself, so that it is never without a connection.
import type { Session } from './session.js';

export interface HandOverPace {
  /** Whoever has not gone by then is left; a short time speeds the hand-over up. */
  readonly maxMs: number;
  /** Clients told per second, as long as `maxMs` allows it. */
  readonly perSec: number;
  /** A client that was told is waited for this long; default 5 s. */
  readonly stragglerMs?: number;
}

export interface HandOverOptions {
  readonly sessions: Iterable<Session>;
  /** Tells a client to go at a random moment within `ms`. */
  readonly tell: (session: Session, ms: number) => void;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

const SLICE_MS = 50;
const STRAGGLER_MS = 5_000;
/** Clients on their way at a time, in seconds of the rate: a slower fleet slows the rest down. */
const ON_THE_WAY_SEC = 1;
/** The part of `maxMs` in which all must have been told. */
const TELLING = 0.7;

/**
 * Resolves when every client has gone or had its time to.
 * @returns how many were told, and how many of them had not gone
 */
export async function handOver(
  { sessions, tell, nowMs, pause }: HandOverOptions,
  { maxMs, perSec, stragglerMs = STRAGGLER_MS }: HandOverPace,
): Promise<{ told: number; stragglers: number }> {
  const startMs = nowMs();
  const told = new Set<Session>();
  let onTheWay: { readonly session: Session; readonly toldMs: number }[] = [];
  let queue = untold(sessions, told);
  const { length: size } = queue;
  let credit = 0;
  let lastMs = startMs - SLICE_MS;
  for (;;) {
    const now = nowMs();
    onTheWay = onTheWay.filter((one) => !one.session.isEnded && now - one.toldMs < stragglerMs);
    if (queue.length === 0) queue = untold(sessions, told);
    if ((queue.length === 0 && onTheWay.length === 0) || now - startMs >= maxMs) break;
    // What a late timer has missed is not made up for in one go.
    credit = Math.min(1, credit) + (perSec / 1_000) * Math.min(now - lastMs, 2 * SLICE_MS);
    lastMs = now;
    const due = Math.min(Math.floor(credit), perSec * ON_THE_WAY_SEC - onTheWay.length);
    const overdue = Math.ceil((size * (now - startMs)) / (maxMs * TELLING)) - told.size;
    for (const session of queue.splice(0, Math.max(due, overdue, 0))) {
      told.add(session);
      if (session.isEnded) continue;
      credit -= 1;
      tell(session, SLICE_MS);
      onTheWay.push({ session, toldMs: now });
    }
    await pause(SLICE_MS);
  }
  return { told: told.size, stragglers: [...told].filter((one) => !one.isEnded).length };
}

/** Those who have connected and were not told yet. */
function untold(sessions: Iterable<Session>, told: ReadonlySet<Session>): Session[] {
  return [...sessions].filter((one) => one.user !== undefined && !told.has(one));
}
