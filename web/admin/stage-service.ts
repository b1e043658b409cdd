// What staff does with shows that are on: end one, send its viewers to another room. Used by the
// admin routes; every deed is audited before it happens.
import type { Clock } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import type { Room } from '../db/entities/room.js';
import type { RoomControl } from '../ports.js';
import type { RoomCatalog } from '../rooms/room-catalog.js';
import { recordAudit, type Actor } from './audit.js';

export interface StageService {
  /** Drops the publisher and shows everybody out. @throws ROOM_NOT_FOUND, REALTIME_UNAVAILABLE */
  end(slug: string, reason: string, actor: Actor): Promise<void>;
  /** Sends the viewers to another room, without a reload. Throws as `end`. */
  redirect(slug: string, toSlug: string, actor: Actor): Promise<void>;
}

export function createStageService(parts: {
  database: Database;
  catalog: RoomCatalog;
  control: RoomControl;
  clock: Clock;
}): StageService {
  const { database, catalog, control, clock } = parts;

  const audited = (
    room: Room,
    deed: { action: string; detail: Record<string, string>; actor: Actor },
    work: () => Promise<void>,
  ): Promise<void> =>
    database.transaction(async (manager) => {
      const subject = { subjectType: 'room', subjectId: room.id } as const;
      const createdAt = new Date(clock.nowMs());
      await recordAudit(manager, { ...deed, ...subject, createdAt });
      await work();
    });

  return {
    async end(slug, reason, actor) {
      const room = await catalog.find(slug);
      await audited(room, { action: 'room.end', detail: { reason }, actor }, async () => {
        await control.endBroadcast(room.streamId);
        await control.evict({ roomId: room.id, keep: [room.performerId], reason: 'ended' });
      });
    },
    async redirect(slug, toSlug, actor) {
      const [room, to] = await Promise.all([catalog.find(slug), catalog.find(toSlug)]);
      const detail = { to: to.slug };
      await audited(room, { action: 'room.redirect', detail, actor }, () =>
        control.evict({
          roomId: room.id,
          keep: [room.performerId],
          reason: 'redirect',
          redirect: to.slug,
        }),
      );
    },
  };
}
