// The end of an account: name, address and password go, its room closes, its id stays, because the
// ledger keeps its entries for ever. Used by the account routes.
import type { Clock } from '../../cluster/index.js';
import { recordAudit } from '../admin/audit.js';
import { lockAdmins } from '../admin/last-admin.js';
import type { Database } from '../db/database.js';
import { ModelProfileEntity } from '../db/entities/model-profile.js';
import { RoomEntity } from '../db/entities/room.js';
import { UserEntity, type User } from '../db/entities/user.js';
import { termsOf } from '../models/room-terms.js';
import { newStreamKey } from '../models/stream-key.js';
import type { Billing } from '../ports.js';
import type { SessionService } from './session-service.js';

export interface ClosingService {
  /**
   * @throws LAST_ADMIN, BILLING_UNAVAILABLE when the account has a room that cannot be closed now
   */
  close(user: User): Promise<void>;
}

export function createClosingService(parts: {
  database: Database;
  billing: Billing;
  sessions: SessionService;
  clock: Clock;
}): ClosingService {
  const { database, billing, sessions, clock } = parts;
  return {
    async close({ id }) {
      await database.transaction(async (manager) => {
        const now = new Date(clock.nowMs());
        (await lockAdmins(manager))(id);
        await manager.getRepository(UserEntity).update(
          { id },
          {
            // A form that no sign-up can have; the old name is free again.
            username: `deleted:${id}`,
            email: `deleted-${id}@invalid`,
            passwordHash: '!',
            status: 'deleted',
            isModel: false,
            isModerator: false,
            isAdmin: false,
            isFinance: false,
            isSupport: false,
            avatarId: null,
            avatarUpload: null,
          },
        );
        await manager
          .getRepository(ModelProfileEntity)
          .update({ userId: id }, { displayName: 'Former model', about: '' });
        const actor = { id, ip: '' };
        const entry = { action: 'account.close', subjectType: 'user', subjectId: id } as const;
        await recordAudit(manager, { ...entry, actor, detail: {}, createdAt: now });
        const rooms = manager.getRepository(RoomEntity);
        const room = await rooms.findOneBy({ performerId: id, isArchived: false });
        if (room === null) return;
        const closed = {
          slug: `closed-${room.id}`,
          isArchived: true,
          keyHash: null,
          keyMask: null,
        };
        await rooms.update({ id: room.id }, closed);
        await billing.putRoom(termsOf({ ...room, ...closed }));
        // A key that nobody has: revokes the old one and drops its publisher.
        await billing.putStreamKey({ streamId: room.streamId, keyHash: newStreamKey().hash });
      });
      await sessions.endAll(id, { reason: 'closed' });
    },
  };
}
