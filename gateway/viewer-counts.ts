// How many viewers each room has. Every worker reports its own number with a lease; the room's
// coordinator adds up and tells the room. Invariant: a dead worker's viewers are gone when its
// lease is, and no process has to notice its death.
import { coerceError, defineScript, type Logger, type RedisClient } from '../cluster/index.js';
import { levelRights } from './access.js';
import type { Channel } from './channel.js';
import { channelKeys, type ChannelKeys } from './channel-keys.js';
import { leaseKey } from './coordinator-scripts.js';
import type { Membership, Session } from './session.js';

export interface ReportArgs {
  readonly keys: ChannelKeys;
  readonly nowMs: number;
  readonly worker: string;
  readonly viewers: number;
  readonly leaseMs: number;
}

/** Replies with the workers that have viewers in the room. */
export const reportViewers = defineScript<ReportArgs, readonly string[]>({
  file: new URL('./lua/report-viewers.lua', import.meta.url),
  encode: ({ keys, nowMs, worker, viewers, leaseMs }) => ({
    keys: [keys.counts, keys.values],
    argv: [nowMs, worker, viewers, leaseMs],
  }),
  decode: (reply) => reply as string[],
});

interface AnnounceArgs {
  readonly channel: { readonly name: string; readonly keys: ChannelKeys };
  readonly worker: string;
  readonly token: number;
  readonly leaseMs: number;
}

const announcements = { '-1': 'fenced', '0': 'unchanged', '1': 'published' } as const;

/** Tells the room its number of viewers and renews the coordinator's lease. */
export const announceViewers = defineScript<AnnounceArgs, 'fenced' | 'unchanged' | 'published'>({
  file: new URL('./lua/announce-viewers.lua', import.meta.url),
  encode: ({ channel: { name, keys }, worker, token, leaseMs }) => ({
    keys: [leaseKey(name), keys.counts, keys.values, keys.feed],
    argv: [0, worker, token, leaseMs],
  }),
  decode: (reply) => announcements[String(reply) as keyof typeof announcements],
});

export interface ViewerCountsOptions {
  readonly redis: RedisClient;
  readonly log: Logger;
  /** Unique per process start. */
  readonly worker: string;
  readonly nowMs: () => number;
}

const LEASE_MS = 15_000;
const REFRESH_MS = 5_000;

interface Room {
  /** Sockets of each listed user: tabs of one user are one viewer. */
  readonly users: Map<string, number>;
  reported: number;
  reportedMs: number;
  /** With viewers in the room, as the last report was answered. */
  workers: readonly string[];
  isBusy: boolean;
}

export class ViewerCounts {
  private readonly rooms = new Map<Channel, Room>();

  constructor(private readonly options: ViewerCountsOptions) {}

  joined(session: Session, channel: Channel, membership: Membership): void {
    const id = listedId(session, channel, membership);
    if (id === undefined) return;
    const room = this.rooms.get(channel) ?? {
      users: new Map<string, number>(),
      reported: 0,
      reportedMs: 0,
      workers: [],
      isBusy: false,
    };
    this.rooms.set(channel, room);
    room.users.set(id, (room.users.get(id) ?? 0) + 1);
  }

  left(session: Session, channel: Channel, membership: Membership): void {
    const id = listedId(session, channel, membership);
    const room = this.rooms.get(channel);
    if (id === undefined || room === undefined) return;
    const sockets = (room.users.get(id) ?? 1) - 1;
    if (sockets > 0) room.users.set(id, sockets);
    else room.users.delete(id);
  }

  /** Viewers of a room at this worker. */
  local(channel: Channel): number {
    return this.rooms.get(channel)?.users.size ?? 0;
  }

  /** Rooms that have viewers here. */
  channels(): Iterable<Channel> {
    return [...this.rooms].filter(([, room]) => room.users.size > 0).map(([channel]) => channel);
  }

  /** Workers that had viewers in the room at the last report, at most 5 s ago. */
  workersOf(channel: Channel): readonly string[] {
    return this.rooms.get(channel)?.workers ?? [];
  }

  /** Once a second: reports what has changed, and all before their leases end. */
  sweep(): void {
    const now = this.options.nowMs();
    for (const [channel, room] of this.rooms) {
      const viewers = room.users.size;
      const isDue = viewers !== room.reported || now - room.reportedMs >= REFRESH_MS;
      if (!isDue || room.isBusy) continue;
      if (viewers === 0 && room.reported === 0) this.rooms.delete(channel);
      else void this.report(channel, room, viewers);
    }
  }

  /** Takes this worker's viewers off all rooms; they will be counted where they go. */
  async leave(): Promise<void> {
    const rooms = [...this.rooms];
    this.rooms.clear();
    await Promise.all(rooms.map(([channel, room]) => this.report(channel, room, 0)));
  }

  private async report(channel: Channel, room: Room, viewers: number): Promise<void> {
    const { redis, worker, nowMs, log } = this.options;
    room.isBusy = true;
    try {
      room.workers = await reportViewers.run(redis, {
        keys: channel.keys,
        nowMs: 0,
        worker,
        viewers,
        leaseMs: LEASE_MS,
      });
      room.reported = viewers;
      room.reportedMs = nowMs();
    } catch (thrown) {
      log.debug({ event: 'viewers.report_failed', err: coerceError(thrown) });
    } finally {
      room.isBusy = false;
    }
  }
}

function listedId(
  { user }: Session,
  { namespace }: Channel,
  { level }: Membership,
): string | undefined {
  return namespace === 'room' && levelRights[level].isListed ? user?.id : undefined;
}

/** Viewers of each room now, for lists; a room that nobody watches has 0. */
export async function readViewerCounts(
  redis: RedisClient,
  roomIds: readonly string[],
  nowMs = Date.now(),
): Promise<number[]> {
  return Promise.all(
    roomIds.map(async (id) => {
      const rows = await redis.hgetall(channelKeys(`room:${id}`).counts);
      return Object.entries(rows).reduce((sum, [worker, value]) => {
        const [viewers = '0', until = '0'] = value.split(':');
        return worker === '!' || Number(until) <= nowMs ? sum : sum + Number(viewers);
      }, 0);
    }),
  );
}
