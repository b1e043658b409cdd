// Ends private shows whose viewer is gone: every web process looks at the billing sessions of those
// that are on, and the first to see one deserted for long enough ends it. A reload leaves and comes
// back with another session, so there is a grace; while billing is away nobody is shown out.
import { coerceError, type Clock, type Logger } from '../../cluster/index.js';
import type { Billing } from '../ports.js';
import type { PrivateService, RunningPrivate } from './private-service.js';

const LOOK_EVERY_MS = 3_000;
/** How long the viewer has to come in after the model accepted. */
export const COME_WITHIN_MS = 90_000;

const OUT_OF_CREDIT = ['insufficient_credit', 'spend_limit', 'frozen'];

export interface PrivateWatch {
  start(): void;
  stop(): void;
  /** Looks now. Never rejects. */
  look(): Promise<void>;
}

export function createPrivateWatch(parts: {
  privates: PrivateService;
  billing: Billing;
  /** How long the viewer may be away: for a reload, or for a top-up. */
  graceMs: number;
  clock: Clock;
  log: Logger;
}): PrivateWatch {
  const { privates, billing, graceMs, clock, log } = parts;
  /** Since when the viewer of a show is seen away, Unix ms, by show and session. */
  let away = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let isLooking = false;

  async function judge(show: RunningPrivate, next: Map<string, number>): Promise<void> {
    const nowMs = clock.nowMs();
    const { sessionId } = show;
    if (sessionId === null) {
      if (nowMs - show.decidedAt.getTime() >= COME_WITHIN_MS) {
        await privates.endDeserted(show, 'left');
      }
      return;
    }
    const session = await billing.findSession(sessionId);
    if (session?.isActive === true) return;
    const key = `${show.id} ${sessionId}`;
    const sinceMs = away.get(key) ?? nowMs;
    next.set(key, sinceMs);
    if (nowMs - sinceMs < graceMs) return;
    const isPoor = OUT_OF_CREDIT.includes(session?.reason ?? '');
    await privates.endDeserted(show, isPoor ? 'credit' : 'left');
  }

  async function look(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    const next = new Map<string, number>();
    try {
      for (const show of await privates.running()) await judge(show, next);
      away = next;
    } catch (thrown) {
      // What was seen so far stays; the next look goes on from there.
      away = new Map([...away, ...next]);
      log.warn({ event: 'private.not_watched', err: coerceError(thrown) });
    } finally {
      isLooking = false;
    }
  }

  return {
    start: () => void (timer = setInterval(() => void look(), LOOK_EVERY_MS)),
    stop: () => clearInterval(timer),
    look,
  };
}
