// Forgets what nobody needs any more: sessions, links, mails, notices and files of the past. Runs
// in every web process, an hour apart; small portions, so that nobody waits for a lock.
import type { Clock } from '../../cluster/index.js';
import type { Database } from './database.js';

const EVERY_MS = 3_600_000;
const KEEP_MS = 30 * 86_400_000;
const PORTION = 1_000;

const FORGET = [
  'DELETE FROM refresh_session WHERE expires_at < ? LIMIT ?',
  'DELETE FROM mail_link WHERE expires_at < ? LIMIT ?',
  'DELETE FROM mail WHERE created_at < ? LIMIT ?',
  'DELETE FROM notification WHERE created_at < ? LIMIT ?',
  'DELETE FROM payment_event WHERE received_at < ? LIMIT ?',
];

export interface Housekeeping {
  start(): void;
  stop(): void;
  /** One round; what is more than a portion waits for the next. */
  tidy(): Promise<void>;
}

export function createHousekeeping(parts: {
  database: Database;
  clock: Clock;
  /** Removes files that no row names any more. */
  sweepFiles: () => Promise<unknown>;
}): Housekeeping {
  const { database, clock, sweepFiles } = parts;
  let timer: NodeJS.Timeout | undefined;

  async function tidy(): Promise<void> {
    const before = new Date(clock.nowMs() - KEEP_MS);
    for (const statement of FORGET) await database.rows(statement, [before, PORTION]);
    await sweepFiles();
  }

  return {
    start() {
      timer = setInterval(() => void tidy().catch(() => undefined), EVERY_MS);
    },
    stop: () => clearInterval(timer),
    tidy,
  };
}
