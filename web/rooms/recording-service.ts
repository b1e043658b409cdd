// Recordings of a room's shows: who may see which, and where they play. Used by the routes.
// Invariants: a recording is seen by its model and admins until the model shows it, because what
// was recorded may hold a private show; an address opens one recording and nothing else.
import type { Clock } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { BroadcastEntity, type Broadcast } from '../db/entities/broadcast.js';
import { RoomEntity, type Room } from '../db/entities/room.js';
import { siteError } from '../errors.js';
import type { Recording, Recordings } from '../ports.js';
import type { HlsSigner } from './hls-url.js';
import type { RoomCatalog } from './room-catalog.js';
import { freeLevel, type Visitor } from './visitor.js';

export interface ShownRecording extends Recording {
  /** Of the show that it is from; empty = not known any more. */
  readonly title: string;
  readonly isShown: boolean;
}

export interface RecordingService {
  /** What this visitor may see, newest first. @throws ROOM_NOT_FOUND, REALTIME_UNAVAILABLE */
  list(slug: string, visitor: Visitor): Promise<ShownRecording[]>;
  /** @throws ROOM_NOT_FOUND, RECORDING_NOT_FOUND also for what the visitor may not see */
  play(request: { slug: string; id: string; visitor: Visitor; siteHost: string }): Promise<string>;
  /** All of the model's own. @throws NOT_A_MODEL */
  own(performerId: string): Promise<{ isPublic: boolean; recordings: ShownRecording[] }>;
  /** Whether past shows are there for others at all. @throws NOT_A_MODEL */
  setPublic(performerId: string, isPublic: boolean): Promise<void>;
  /** @throws NOT_A_MODEL, RECORDING_NOT_FOUND */
  show(performerId: string, id: string, isShown: boolean): Promise<void>;
  /** For good. @throws NOT_A_MODEL, RECORDING_NOT_FOUND also while it is being recorded */
  remove(performerId: string, id: string): Promise<void>;
}

const LIST_MAX = 100;
/** A recorder may start a moment before the site hears of the show. */
const EARLY_MS = 30_000;

export function createRecordingService(parts: {
  database: Database;
  catalog: RoomCatalog;
  recordings: Recordings;
  hls: HlsSigner;
  clock: Clock;
}): RecordingService {
  const { database, catalog, recordings, hls, clock } = parts;
  const rooms = () => database.repository(RoomEntity);

  async function ownRoom(performerId: string): Promise<Room> {
    const room = await rooms().findOneBy({ performerId, isArchived: false });
    if (room === null) throw siteError('NOT_A_MODEL');
    return room;
  }

  async function all(room: Room): Promise<ShownRecording[]> {
    const [found, shows, shown] = await Promise.all([
      recordings.list(room.streamId),
      database.repository(BroadcastEntity).find({
        where: { roomId: room.id },
        order: { startedAt: 'DESC' },
        take: LIST_MAX,
      }),
      database.rows<{ id: string }>(
        'SELECT recording_id AS id FROM shown_recording WHERE room_id = ?',
        [room.id],
      ),
    ]);
    const ids = new Set(shown.map(({ id }) => id));
    return found.slice(0, LIST_MAX).map((one) => ({
      ...one,
      title: titleOf(one, shows),
      isShown: ids.has(one.id),
    }));
  }

  /** The room's model and admins see all; others what is shown, where they may enter. */
  async function visible(room: Room, visitor: Visitor): Promise<ShownRecording[]> {
    const isStaff = freeLevel(visitor, room) !== undefined;
    const mayEnter = visitor.kind === 'user' || (room.allowAnons && !room.isPrivate);
    if (!isStaff && !(room.hasPublicPast && mayEnter)) return [];
    return (await all(room)).filter((one) => isStaff || (one.isShown && one.isReady));
  }

  async function requireOwn(performerId: string, id: string): Promise<Room> {
    const room = await ownRoom(performerId);
    const found = (await recordings.list(room.streamId)).some((one) => one.id === id);
    if (!found) throw siteError('RECORDING_NOT_FOUND');
    return room;
  }

  const hide = (room: Room, id: string) =>
    database.rows('DELETE FROM shown_recording WHERE room_id = ? AND recording_id = ?', [
      room.id,
      id,
    ]);

  return {
    list: async (slug, visitor) => visible(await catalog.find(slug), visitor),

    async play({ slug, id, visitor, siteHost }) {
      const found = await visible(await catalog.find(slug), visitor);
      const one = found.find((each) => each.id === id && each.isReady);
      if (one === undefined) throw siteError('RECORDING_NOT_FOUND');
      return hls.recording(one, recordings.sidOf(id), siteHost);
    },

    async own(performerId) {
      const room = await ownRoom(performerId);
      return { isPublic: room.hasPublicPast, recordings: await all(room) };
    },

    async setPublic(performerId, isPublic) {
      const { id } = await ownRoom(performerId);
      await rooms().update({ id }, { hasPublicPast: isPublic });
    },

    async show(performerId, id, isShown) {
      const room = await requireOwn(performerId, id);
      if (!isShown) await hide(room, id);
      else {
        await database.rows(
          'INSERT IGNORE INTO shown_recording (room_id, recording_id, shown_at) VALUES (?, ?, ?)',
          [room.id, id, new Date(clock.nowMs())],
        );
      }
    },

    async remove(performerId, id) {
      const room = await requireOwn(performerId, id);
      if (!(await recordings.remove(room.streamId, id))) throw siteError('RECORDING_NOT_FOUND');
      await hide(room, id);
    },
  };
}

function titleOf({ startedAtMs }: Recording, shows: readonly Broadcast[]): string {
  const show = shows.find(
    ({ startedAt, endedAt }) =>
      startedAt.getTime() - EARLY_MS <= startedAtMs &&
      (endedAt === null || startedAtMs < endedAt.getTime()),
  );
  return show?.title ?? '';
}
