// Remembers what was on the air: one row per show, written by whichever process sees the change
// first. Used by site.ts. A show whose end nobody saw keeps no end.
import { coerceError, type Logger } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import type { LiveStream } from '../ports.js';
import type { LiveChange, LiveState } from './live-state.js';

const LOOK_EVERY_MS = 15_000;

const START = `INSERT IGNORE INTO broadcast (room_id, title, show_type, started_at, viewers_max)
  SELECT id, title, show_type, ?, ? FROM room WHERE stream_id = ?`;
const END = `UPDATE broadcast b JOIN room r ON r.id = b.room_id SET b.ended_at = ?
  WHERE r.stream_id = ? AND b.started_at = ? AND b.ended_at IS NULL`;
const VIEWERS = `UPDATE broadcast b JOIN room r ON r.id = b.room_id
  SET b.viewers_max = GREATEST(b.viewers_max, ?) WHERE r.stream_id = ? AND b.started_at = ?`;

export interface BroadcastLog {
  start(): void;
  stop(): void;
  /** Never rejects. */
  liveChanged(changes: readonly LiveChange[]): Promise<void>;
}

export function createBroadcastLog(parts: {
  database: Database;
  live: LiveState;
  log: Logger;
}): BroadcastLog {
  const { database, live, log } = parts;
  /** Most viewers of each running show that this process has written down. */
  let highest = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  async function record({ stream, isLive }: LiveChange): Promise<void> {
    const startedAt = new Date(stream.startedAtMs);
    if (isLive) await database.rows(START, [startedAt, stream.viewers, stream.streamId]);
    else await database.rows(END, [new Date(), stream.streamId, startedAt]);
  }

  async function countViewers(): Promise<void> {
    const next = new Map<string, number>();
    for (const stream of live.all()) {
      const before = highest.get(showOf(stream)) ?? 0;
      next.set(showOf(stream), Math.max(before, stream.viewers));
      if (stream.viewers <= before) continue;
      const startedAt = new Date(stream.startedAtMs);
      await database.rows(VIEWERS, [stream.viewers, stream.streamId, startedAt]);
    }
    highest = next;
  }

  const guarded = async (work: Promise<unknown>): Promise<void> => {
    await work.catch((thrown: unknown) =>
      log.warn({ event: 'broadcast.not_recorded', err: coerceError(thrown) }),
    );
  };

  return {
    start() {
      timer = setInterval(() => void guarded(countViewers()), LOOK_EVERY_MS);
    },
    stop: () => clearInterval(timer),
    liveChanged: (changes) => guarded(Promise.all(changes.map(record))),
  };
}

function showOf({ streamId, startedAtMs }: LiveStream): string {
  return `${streamId} ${startedAtMs}`;
}
