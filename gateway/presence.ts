// Who is in each room. A worker reports what has changed among its own users once a second and
// room, with a lease; Redis adds up, and the room's coordinator tells the number. Invariants: a
// user counts once, whatever tabs and workers; a dead worker's users are gone when its lease is; a
// lost report is made up for by a full one.
import { coerceError, type Logger, type RedisClient } from '../cluster/index.js';
import { levelRights } from './access.js';
import type { Channel } from './channel.js';
import {
  NOTICES_MAX,
  readPresence,
  reportPresence,
  type PresenceChange,
} from './presence-scripts.js';
import { limits, type AccessLevel, type PresenceResult } from './protocol/index.js';
import type { Membership, Session, User } from './session.js';

export interface PresenceOptions {
  readonly redis: RedisClient;
  readonly log: Logger;
  /** Unique per process start. */
  readonly worker: string;
  readonly nowMs: () => number;
}

/** A dead worker's users go when the coordinator looks next, or the next coordinator: ≤ 15 s. */
const LEASE_MS = 10_000;
const REFRESH_MS = 4_000;
/** A page reload takes less. */
export const LEAVE_GRACE_MS = 10_000;
const CHANGES_PER_CALL = 400;
/** Answers to `pres` are this old at most; a room that fills up asks once, not once per viewer. */
const LIST_MS = 500;

const RANKS: Readonly<Partial<Record<AccessLevel, number>>> = { performer: 0, moderator: 1 };
const ANON_RANK = 3;

interface Person {
  sockets: number;
  readonly rank: number;
  readonly level: AccessLevel;
  readonly name: string;
}

interface Change extends PresenceChange {
  /** Redis has the user here, as somebody else: with another level or name. */
  readonly isKnown?: boolean;
}

interface Room {
  readonly users: Map<string, Person>;
  /** What Redis has not been told yet. */
  changes: Map<string, Change>;
  reports: number;
  reportedMs: number;
  /** With users in the room, as the last report was answered. */
  workers: readonly string[];
  isBusy: boolean;
  list: { readonly atMs: number; readonly found: Promise<PresenceResult> } | undefined;
}

export class Presence {
  private readonly rooms = new Map<Channel, Room>();

  constructor(private readonly options: PresenceOptions) {}

  joined(session: Session, channel: Channel, membership: Membership): void {
    const user = listed(session, channel, membership);
    if (user === undefined) return;
    const room = this.roomOf(channel);
    const known = room.users.get(user.id);
    if (known !== undefined) {
      known.sockets += 1;
      return;
    }
    const { level } = membership;
    const rank = user.role === 'anon' ? ANON_RANK : (RANKS[level] ?? 2);
    const person: Person = { sockets: 1, rank, level, name: user.name };
    room.users.set(user.id, person);
    const gone = room.changes.get(user.id);
    const change = changeOf('+', user.id, person);
    const isSame = gone?.level === level && gone.rank === rank && gone.name === user.name;
    if (gone === undefined) room.changes.set(user.id, change);
    // Somebody who left and came back within a tick has never been away …
    else if (isSame) room.changes.delete(user.id);
    // … or was sent out to come in with another level.
    else room.changes.set(user.id, { ...change, isKnown: true });
  }

  /** @param isFinal the user or the server has ended it, not the network */
  left(session: Session, channel: Channel, membership: Membership, isFinal: boolean): void {
    const id = listed(session, channel, membership)?.id;
    const room = this.rooms.get(channel);
    const person = id === undefined ? undefined : room?.users.get(id);
    if (id === undefined || room === undefined || person === undefined) return;
    person.sockets -= 1;
    if (person.sockets > 0) return;
    room.users.delete(id);
    const came = room.changes.get(id);
    if (came !== undefined && came.isKnown !== true) room.changes.delete(id);
    else room.changes.set(id, changeOf(isFinal ? 'x' : '-', id, person));
  }

  /** Listed users at this worker. */
  local(channel: Channel): number {
    return this.rooms.get(channel)?.users.size ?? 0;
  }

  /** Rooms that have listed users here. */
  channels(): Iterable<Channel> {
    return [...this.rooms].filter(([, room]) => room.users.size > 0).map(([channel]) => channel);
  }

  /** Workers that had users in the room at the last report, at most some seconds ago. */
  workersOf(channel: Channel): readonly string[] {
    return this.rooms.get(channel)?.workers ?? [];
  }

  /** Who is in the room; shared by all who ask within half a second. @throws Redis' errors */
  read(channel: Channel): Promise<PresenceResult> {
    const room = this.roomOf(channel);
    const now = this.options.nowMs();
    if (room.list !== undefined && now - room.list.atMs < LIST_MS) return room.list.found;
    const found = readPresence(this.options.redis, channel.keys, limits.presenceMax);
    room.list = { atMs: now, found };
    found.catch(() => (room.list = undefined));
    return found;
  }

  /** Once a second: reports what has changed, and all before their leases end. */
  sweep(): void {
    const now = this.options.nowMs();
    for (const [channel, room] of this.rooms) {
      const isEmpty = room.users.size === 0 && room.changes.size === 0 && room.reports === 0;
      if (isEmpty) {
        this.rooms.delete(channel);
        continue;
      }
      const isOld = now - room.reportedMs >= REFRESH_MS;
      if (!room.isBusy && (isOld || room.changes.size > 0)) {
        void this.report(channel, room);
      }
    }
  }

  /** Takes this worker's users off all rooms, with grace; they are counted where they go. */
  async leave(): Promise<void> {
    const rooms = [...this.rooms];
    this.rooms.clear();
    await Promise.all(
      rooms.map(([channel, room]) => {
        room.users.clear();
        room.changes.clear();
        room.reports = 0;
        return this.report(channel, room);
      }),
    );
  }

  private roomOf(channel: Channel): Room {
    const known = this.rooms.get(channel);
    if (known !== undefined) return known;
    const room: Room = {
      ...{ users: new Map(), changes: new Map(), list: undefined },
      ...{ reports: 0, reportedMs: 0, workers: [], isBusy: false },
    };
    this.rooms.set(channel, room);
    return room;
  }

  private async report(channel: Channel, room: Room): Promise<void> {
    room.isBusy = true;
    try {
      do await this.reportSome(channel, room);
      while (room.changes.size > 0);
      room.reportedMs = this.options.nowMs();
    } catch (thrown) {
      // Whether it was done is not known: all over again.
      this.startOver(room);
      this.options.log.debug({ event: 'presence.report_failed', err: coerceError(thrown) });
    } finally {
      room.isBusy = false;
    }
  }

  private async reportSome(channel: Channel, room: Room): Promise<void> {
    const { redis, worker } = this.options;
    const changes = [...room.changes.values()].slice(0, CHANGES_PER_CALL);
    for (const { user } of changes) room.changes.delete(user);
    const reply = await reportPresence.run(redis, {
      keys: channel.keys,
      nowMs: 0,
      worker,
      changes,
      reports: room.reports,
      leaseMs: LEASE_MS,
      graceMs: LEAVE_GRACE_MS,
      noticesMax: NOTICES_MAX,
    });
    if (reply.isOutOfStep) {
      this.startOver(room);
      return;
    }
    room.reports = reply.reports;
    room.workers = reply.workers;
  }

  private startOver(room: Room): void {
    room.reports = 0;
    room.changes = new Map(
      [...room.users].map(([id, person]) => [id, changeOf('+', id, person)] as const),
    );
  }
}

function changeOf(what: PresenceChange['what'], user: string, person: Person): PresenceChange {
  const { rank, level, name } = person;
  return { what, user, rank, level, name };
}

function listed(
  { user }: Session,
  { namespace }: Channel,
  { level }: Membership,
): User | undefined {
  return namespace === 'room' && levelRights[level].isListed ? user : undefined;
}
