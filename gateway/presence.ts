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

/** Somebody in a room; kept after the last socket has left until Redis has been told. */
interface Person {
  readonly user: string;
  name: string;
  level: AccessLevel;
  rank: number;
  sockets: number;
  /** What Redis has of it: that somebody is here, perhaps with another level or name. */
  told: 'nothing' | 'other' | 'this';
  /** How the last one left. */
  way: '-' | 'x';
  /** Among the room's `due`. */
  isDue: boolean;
}

interface Room {
  readonly people: Map<string, Person>;
  /** How many of them are here now. */
  present: number;
  /** Those of whom Redis may have to be told. */
  due: Person[];
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
    const known = room.people.get(user.id);
    if (known !== undefined && known.sockets > 0) {
      known.sockets += 1;
      return;
    }
    room.present += 1;
    const { level } = membership;
    const rank = user.role === 'anon' ? ANON_RANK : (RANKS[level] ?? 2);
    if (known === undefined) {
      const person: Person = {
        user: user.id,
        name: user.name,
        level,
        rank,
        sockets: 1,
        told: 'nothing',
        way: '-',
        isDue: true,
      };
      room.people.set(user.id, person);
      room.due.push(person);
      return;
    }
    // Came back before Redis was told, perhaps sent out to come in with another level.
    known.sockets = 1;
    if (known.level === level && known.rank === rank && known.name === user.name) return;
    Object.assign(known, { level, rank, name: user.name });
    if (known.told === 'this') known.told = 'other';
  }

  /** @param isFinal the user or the server has ended it, not the network */
  left(session: Session, channel: Channel, membership: Membership, isFinal: boolean): void {
    const id = listed(session, channel, membership)?.id;
    const room = this.rooms.get(channel);
    const person = id === undefined ? undefined : room?.people.get(id);
    if (room === undefined || person === undefined || person.sockets === 0) return;
    person.sockets -= 1;
    if (person.sockets > 0) return;
    room.present -= 1;
    person.way = isFinal ? 'x' : '-';
    if (person.isDue) return;
    person.isDue = true;
    room.due.push(person);
  }

  /** Rooms that have listed users here. */
  channels(): Iterable<Channel> {
    return [...this.rooms].filter(([, room]) => room.present > 0).map(([channel]) => channel);
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
      const isEmpty = room.people.size === 0 && room.reports === 0;
      if (isEmpty) {
        this.rooms.delete(channel);
        continue;
      }
      const isOld = now - room.reportedMs >= REFRESH_MS;
      if (!room.isBusy && (isOld || room.due.length > 0)) {
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
        room.people.clear();
        room.due = [];
        room.reports = 0;
        return this.report(channel, room);
      }),
    );
  }

  private roomOf(channel: Channel): Room {
    const known = this.rooms.get(channel);
    if (known !== undefined) return known;
    const room: Room = {
      ...{ people: new Map(), present: 0, due: [], list: undefined },
      ...{ reports: 0, reportedMs: 0, workers: [], isBusy: false },
    };
    this.rooms.set(channel, room);
    return room;
  }

  private async report(channel: Channel, room: Room): Promise<void> {
    room.isBusy = true;
    try {
      // Who comes while this goes on is told of next time: a crowd would be told one by one.
      let left = Math.max(1, room.due.length);
      while (left > 0) {
        const isInStep = await this.reportSome(channel, room);
        left = isInStep ? left - CHANGES_PER_CALL : room.due.length;
      }
      room.reportedMs = this.options.nowMs();
    } catch (thrown) {
      // Whether it was done is not known: all over again.
      this.startOver(room);
      this.options.log.debug({ event: 'presence.report_failed', err: coerceError(thrown) });
    } finally {
      room.isBusy = false;
    }
  }

  /** False = all has to be reported again. */
  private async reportSome(channel: Channel, room: Room): Promise<boolean> {
    const { redis, worker } = this.options;
    const reply = await reportPresence.run(redis, {
      keys: channel.keys,
      nowMs: 0,
      worker,
      changes: takeChanges(room),
      reports: room.reports,
      leaseMs: LEASE_MS,
      graceMs: LEAVE_GRACE_MS,
      noticesMax: NOTICES_MAX,
    });
    if (reply.isOutOfStep) {
      this.startOver(room);
      return false;
    }
    room.reports = reply.reports;
    room.workers = reply.workers;
    return true;
  }

  private startOver(room: Room): void {
    room.reports = 0;
    for (const person of room.people.values()) {
      person.told = 'nothing';
      person.isDue = true;
    }
    room.due = [...room.people.values()];
  }
}

/** What Redis has to be told of those who are due, or of the first of them. */
function takeChanges(room: Room): PresenceChange[] {
  const changes: PresenceChange[] = [];
  for (const person of room.due.splice(0, CHANGES_PER_CALL)) {
    const { user, name, level, rank, sockets, told, way } = person;
    person.isDue = false;
    if (sockets > 0) {
      person.told = 'this';
      if (told !== 'this') changes.push({ what: '+', user, rank, level, name });
    } else {
      room.people.delete(user);
      if (told !== 'nothing') changes.push({ what: way, user, rank, level, name });
    }
  }
  return changes;
}

function listed(
  { user }: Session,
  { namespace }: Channel,
  { level }: Membership,
): User | undefined {
  return namespace === 'room' && levelRights[level].isListed ? user : undefined;
}
