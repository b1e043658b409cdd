// Private shows: a viewer asks, the model accepts or refuses, and the room is theirs until one of
// them ends it. Used by the routes. Invariants: while a private show is on, its viewer alone pays
// and watches, at the terms of the request; billing has the new price before anybody is let in, and
// everybody else has left chat and video.
import { IsNull, type EntityManager } from 'typeorm';
import type { Clock, Logger } from '../../cluster/index.js';
import { coerceError } from '../../cluster/index.js';
import { duplicateKey, type Database } from '../db/database.js';
import { PrivateRequestEntity, type PrivateRequest } from '../db/entities/private-request.js';
import { RoomEntity, type Room } from '../db/entities/room.js';
import type { User } from '../db/entities/user.js';
import { siteError } from '../errors.js';
import type { Announcer } from '../live/announcer.js';
import type { LiveState } from '../live/live-state.js';
import { termsOf } from '../models/room-terms.js';
import type { Billing, Publisher, RoomControl } from '../ports.js';
import type { RoomCatalog } from './room-catalog.js';

const REQUEST_TTL_MS = 5 * 60_000;

export interface AskedPrivate extends PrivateRequest {
  readonly username: string;
}

export interface RunningPrivate {
  readonly id: string;
  readonly performerId: string;
  readonly viewerId: string;
  readonly slug: string;
  readonly username: string;
  /** null = the viewer has not come in yet. */
  readonly sessionId: string | null;
  readonly decidedAt: Date;
}

const RUNNING = `SELECT q.id, r.performer_id AS performerId, q.viewer_id AS viewerId, r.slug,
    u.username, q.session_id AS sessionId, q.decided_at AS decidedAt
  FROM room r JOIN private_request q ON q.room_id = r.id AND q.state = 'accepted'
    AND q.viewer_id = r.private_viewer_id
  JOIN user u ON u.id = q.viewer_id
  WHERE r.private_viewer_id IS NOT NULL ORDER BY q.id LIMIT 500`;

export interface PrivateService {
  /**
   * Asking again while a request is open answers that request.
   * @throws ROOM_NOT_FOUND, PRIVATE_NOT_OFFERED, SHOW_NOT_LIVE, PRIVATE_SHOW, FORBIDDEN for the own
   * room, INSUFFICIENT_CREDIT for less than the minimum
   */
  ask(slug: string, viewer: User, note: string): Promise<PrivateRequest>;
  /** The viewer's newest request in the room. @throws REQUEST_NOT_FOUND */
  mine(slug: string, viewerId: string): Promise<PrivateRequest>;
  /** @throws REQUEST_NOT_FOUND */
  cancel(slug: string, viewerId: string): Promise<void>;
  /** Open requests, the oldest first, and the running one. @throws NOT_A_MODEL */
  waiting(performerId: string): Promise<AskedPrivate[]>;
  /** @throws REQUEST_NOT_FOUND, PRIVATE_SHOW_ON, SHOW_NOT_LIVE, BILLING_UNAVAILABLE */
  accept(performerId: string, id: string): Promise<Room>;
  /** @throws REQUEST_NOT_FOUND */
  refuse(performerId: string, id: string, reason: string): Promise<void>;
  /** Gives the room back to everybody. Ending twice is ending once. @throws NOT_A_MODEL */
  end(performerId: string): Promise<Room>;
  /** The viewer has come in with this billing session; does nothing outside of a private show. */
  entered(roomId: string, viewerId: string, sessionId: string): Promise<void>;
  /** The private shows that are on, the oldest first; at most 500. */
  running(): Promise<RunningPrivate[]>;
  /**
   * Ends the show because its viewer is gone, and tells both why; does nothing when the viewer has
   * come back with another session, or the show is over.
   */
  endDeserted(show: RunningPrivate, why: 'left' | 'credit'): Promise<void>;
  /** Ends the private shows of streams that went off the air. */
  streamsEnded(streamIds: readonly string[]): Promise<void>;
}

const WAITING = `SELECT q.id, q.room_id AS roomId, q.viewer_id AS viewerId, u.username, q.note,
    q.open_viewer_id AS openViewerId, q.price_milli AS priceMilli, q.minimum_sec AS minimumSec,
    q.grace_sec AS graceSec, q.state, q.reason, q.created_at AS createdAt,
    q.expires_at AS expiresAt, q.decided_at AS decidedAt, q.ended_at AS endedAt,
    q.session_id AS sessionId
  FROM private_request q JOIN user u ON u.id = q.viewer_id
  WHERE q.room_id = ? AND (q.state = 'accepted' OR (q.state = 'open' AND q.expires_at > ?))
  ORDER BY q.id LIMIT 100`;

export function createPrivateService(parts: {
  database: Database;
  catalog: RoomCatalog;
  live: LiveState;
  billing: Billing;
  control: RoomControl;
  publisher: Publisher;
  announcer: Announcer;
  clock: Clock;
  log: Logger;
}): PrivateService {
  const { database, catalog, live, billing, control, announcer, clock } = parts;
  const requests = () => database.repository(PrivateRequestEntity);
  const now = (): Date => new Date(clock.nowMs());
  const tell = createTeller(parts);

  /** Moves the room into or out of a private show; a fault of billing undoes it. */
  const turn = (
    performerId: string,
    work: (manager: EntityManager, room: Room) => Promise<Partial<Room>>,
  ): Promise<Room> =>
    database.transaction(async (manager) => {
      const before = await manager.getRepository(RoomEntity).findOne({
        where: { performerId, isArchived: false },
        lock: { mode: 'pessimistic_write' },
      });
      if (before === null) throw siteError('NOT_A_MODEL');
      const columns = await work(manager, before);
      if (Object.keys(columns).length === 0) return before;
      const room = { ...before, ...columns, freeEpoch: before.freeEpoch + 1, updatedAt: now() };
      const { freeEpoch, updatedAt } = room;
      const rooms = manager.getRepository(RoomEntity);
      await rooms.update({ id: room.id }, { ...columns, freeEpoch, updatedAt });
      // Closing the room ends every session in it; then it opens at its new price.
      await billing.putRoom({ ...termsOf(room), isActive: false });
      await billing.putRoom(termsOf(room));
      await control.closeFreeVideo(room.streamId, freeEpoch);
      return room;
    });

  async function shown(room: Room, keep: readonly string[], reason: string): Promise<void> {
    catalog.forget();
    await announcer.roomChanged(room);
    await control.evict({ roomId: room.id, keep, reason }).catch(() => undefined);
  }

  async function openRequest(id: string, roomId: string) {
    const found = await requests().findOneBy({ id, roomId, state: 'open' });
    if (found === null || found.expiresAt <= now()) throw siteError('REQUEST_NOT_FOUND');
    return found;
  }

  async function ownRoom(performerId: string): Promise<Room> {
    const where = { performerId, isArchived: false };
    const room = await database.repository(RoomEntity).findOneBy(where);
    if (room === null) throw siteError('NOT_A_MODEL');
    return room;
  }

  /** @param only ends nothing but this show, and only while its viewer has the same session. */
  async function end(performerId: string, only?: RunningPrivate) {
    const seen = { wasOn: false };
    const room = await turn(performerId, async (manager, before) => {
      if (before.privateViewerId === null) return {};
      const { id, sessionId } = only ?? {};
      const { affected } = await manager.getRepository(PrivateRequestEntity).update(
        {
          ...{ roomId: before.id, state: 'accepted' as const },
          ...(id === undefined ? {} : { id, sessionId: sessionId ?? IsNull() }),
        },
        { state: 'ended', endedAt: now() },
      );
      if (only !== undefined && affected !== 1) return {};
      seen.wasOn = true;
      return { privateViewerId: null };
    });
    if (seen.wasOn) await shown(room, [performerId], 'private-ended');
    return { room, wasOn: seen.wasOn };
  }

  return {
    async ask(slug, viewer, note) {
      const room = await catalog.find(slug);
      if (room.performerId === viewer.id) throw siteError('FORBIDDEN');
      if (room.privatePriceMilli === '0') throw siteError('PRIVATE_NOT_OFFERED');
      if (room.privateViewerId !== null) throw siteError('PRIVATE_SHOW');
      if ((await live.findNow(room.streamId)) === undefined) throw siteError('SHOW_NOT_LIVE');
      await refusePoor(billing, viewer.id, room);
      await expire(database, room.id, now());
      const row = { ...requestRow(room, viewer.id, note), ...timesFrom(now()) };
      try {
        const inserted = await requests().insert(row);
        const made = { ...row, id: String(inserted.identifiers[0]?.['id']) };
        const title = `${viewer.username} asks for a private show`;
        await tell(room.performerId, {
          kind: 'private-request',
          title,
          link: '/model',
          id: made.id,
        });
        return made;
      } catch (thrown) {
        if (duplicateKey(thrown) !== 'private_request_open') throw thrown;
        return requests().findOneByOrFail({ roomId: room.id, openViewerId: viewer.id });
      }
    },

    async mine(slug, viewerId) {
      const { id: roomId } = await catalog.find(slug);
      const [newest] = await requests().find({
        where: { roomId, viewerId },
        order: { id: 'DESC' },
        take: 1,
      });
      if (newest === undefined) throw siteError('REQUEST_NOT_FOUND');
      const isOver = newest.state === 'open' && newest.expiresAt <= now();
      return isOver ? { ...newest, state: 'expired' } : newest;
    },

    async cancel(slug, viewerId) {
      const room = await catalog.find(slug);
      const where = { roomId: room.id, openViewerId: viewerId, state: 'open' as const };
      const columns = { state: 'cancelled' as const, openViewerId: null, decidedAt: now() };
      const { affected } = await requests().update(where, columns);
      if (affected !== 1) throw siteError('REQUEST_NOT_FOUND');
      await tell(room.performerId, {
        kind: 'private-cancelled',
        title: 'Cancelled',
        link: '/model',
      });
    },

    async waiting(performerId) {
      const { id } = await ownRoom(performerId);
      return database.rows<AskedPrivate>(WAITING, [id, now()]);
    },

    async accept(performerId, id) {
      const { id: roomId, streamId } = await ownRoom(performerId);
      if ((await live.findNow(streamId)) === undefined) throw siteError('SHOW_NOT_LIVE');
      const wish = await openRequest(id, roomId);
      const room = await turn(performerId, async (manager, before) => {
        if (before.privateViewerId !== null) throw siteError('PRIVATE_SHOW_ON');
        const { affected } = await manager
          .getRepository(PrivateRequestEntity)
          .update(
            { id, state: 'open' },
            { state: 'accepted', openViewerId: null, decidedAt: now() },
          );
        if (affected !== 1) throw siteError('REQUEST_NOT_FOUND');
        return {
          privateViewerId: wish.viewerId,
          privatePriceMilli: wish.priceMilli,
          privateMinimumSec: wish.minimumSec,
          privateGraceSec: wish.graceSec,
        };
      });
      const link = `/r/${room.slug}`;
      await shown(room, [performerId, wish.viewerId], 'private');
      await tell(wish.viewerId, { kind: 'private-accepted', title: 'Your private show', link });
      return room;
    },

    async refuse(performerId, id, reason) {
      const room = await ownRoom(performerId);
      const wish = await openRequest(id, room.id);
      const columns = { state: 'refused' as const, openViewerId: null, decidedAt: now(), reason };
      const { affected } = await requests().update({ id, state: 'open' }, columns);
      if (affected !== 1) throw siteError('REQUEST_NOT_FOUND');
      const link = `/r/${room.slug}`;
      await tell(wish.viewerId, { kind: 'private-refused', title: reason, link });
    },

    end: async (performerId) => (await end(performerId)).room,

    async entered(roomId, viewerId, sessionId) {
      await requests().update({ roomId, viewerId, state: 'accepted' }, { sessionId });
    },

    running: () => database.rows<RunningPrivate>(RUNNING),

    async endDeserted(show, why) {
      if (!(await end(show.performerId, show)).wasOn) return;
      const { performerId, viewerId, username, slug } = show;
      const reason = why === 'left' ? 'left' : 'ran out of credits';
      const over = { kind: 'private-over', link: `/r/${slug}` };
      const toPerformer = `The private show is over: ${username} ${reason}.`;
      await tell(performerId, { ...over, title: toPerformer, link: '/model' });
      const toViewer = why === 'left' ? 'you left' : 'your credits ran out';
      await tell(viewerId, { ...over, title: `The private show is over: ${toViewer}.` });
    },

    async streamsEnded(streamIds) {
      if (streamIds.length === 0) return;
      const rooms = await database.rows<{ performerId: string }>(
        `SELECT performer_id AS performerId FROM room
         WHERE stream_id IN (?) AND private_viewer_id IS NOT NULL`,
        [streamIds],
      );
      for (const { performerId } of rooms) await end(performerId);
    },
  };
}

/** Tells one person, now; who is not there looks at the lists. Never rejects. */
function createTeller({ publisher, log }: { publisher: Publisher; log: Logger }) {
  return async (
    userId: string,
    body: { kind: string; title: string; link: string; id?: string },
  ) => {
    const push = { kind: 'n', body, cls: 'reliable' } as const;
    await publisher.publish(`user:${userId}`, push).catch((thrown: unknown) => {
      log.warn({ event: 'private.not_told', err: coerceError(thrown) });
    });
  };
}

/** @throws INSUFFICIENT_CREDIT below the price of the minimum, or of one minute */
async function refusePoor(billing: Billing, viewerId: string, room: Room): Promise<void> {
  const { balance, held } = await billing.wallet(viewerId);
  const seconds = BigInt(Math.max(room.privateMinimumSec, 60));
  const needed = (BigInt(room.privatePriceMilli) * seconds) / 60n;
  if (balance - held < needed) throw siteError('INSUFFICIENT_CREDIT');
}

async function expire(database: Database, roomId: string, now: Date): Promise<void> {
  await database.rows(
    `UPDATE private_request SET state = 'expired', open_viewer_id = NULL
     WHERE room_id = ? AND state = 'open' AND expires_at <= ?`,
    [roomId, now],
  );
}

function requestRow(room: Room, viewerId: string, note: string) {
  return {
    roomId: room.id,
    viewerId,
    openViewerId: viewerId,
    note,
    priceMilli: room.privatePriceMilli,
    minimumSec: room.privateMinimumSec,
    graceSec: room.privateGraceSec,
    state: 'open' as const,
    reason: null,
    sessionId: null,
  };
}

function timesFrom(now: Date) {
  const expiresAt = new Date(now.getTime() + REQUEST_TTL_MS);
  return { createdAt: now, expiresAt, decidedAt: null, endedAt: null };
}
