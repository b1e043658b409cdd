// What admins do with accounts: look them up, suspend and restore them, give and take roles. Every
// deed is audited. A suspended account is logged out everywhere; its room closes and its stream key
// is revoked.
import type { EntityManager } from 'typeorm';
import type { Clock } from '../../cluster/index.js';
import type { SessionService } from '../accounts/session-service.js';
import type { Database } from '../db/database.js';
import { RoomEntity } from '../db/entities/room.js';
import { UserEntity, type User } from '../db/entities/user.js';
import { siteError } from '../errors.js';
import { termsOf } from '../models/room-terms.js';
import { newStreamKey } from '../models/stream-key.js';
import type { Billing, RoomControl } from '../ports.js';
import { recordAudit, type Actor } from './audit.js';

export interface UserService {
  /** By id; `search` is the beginning of a name or an address. */
  list(query: { search: string; afterId: string; limit: number }): Promise<User[]>;
  /** @throws USER_NOT_FOUND, FORBIDDEN for oneself, BILLING_UNAVAILABLE (then nothing changed) */
  suspend(userId: string, reason: string, actor: Actor): Promise<void>;
  /** @throws USER_NOT_FOUND, BILLING_UNAVAILABLE */
  restore(userId: string, actor: Actor): Promise<void>;
  /** @throws USER_NOT_FOUND, FORBIDDEN for oneself */
  setModerator(userId: string, isModerator: boolean, actor: Actor): Promise<void>;
}

export function createUserService(parts: {
  database: Database;
  sessions: SessionService;
  control: RoomControl;
  billing: Billing;
  clock: Clock;
  /** Called after an account has changed. */
  onChange: () => void;
}): UserService {
  const { database, sessions, control, billing, clock, onChange } = parts;

  /**
   * Changes the account under a row lock, with its audit entry; `after` may still undo everything.
   */
  async function change(
    userId: string,
    deed: {
      columns: Partial<User>;
      action: string;
      detail: Record<string, string | boolean>;
      actor: Actor;
    },
    after: (manager: EntityManager) => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const { columns, action, detail, actor } = deed;
    if (actor.id === userId) throw siteError('FORBIDDEN');
    await database.transaction(async (manager) => {
      const users = manager.getRepository(UserEntity);
      const lock = { mode: 'pessimistic_write' } as const;
      const user = await users.findOne({ where: { id: userId }, lock });
      if (user === null || user.status === 'deleted') throw siteError('USER_NOT_FOUND');
      await users.update({ id: userId }, columns);
      const subject = { subjectType: 'user', subjectId: userId } as const;
      const createdAt = new Date(clock.nowMs());
      await recordAudit(manager, { actor, action, detail, createdAt, ...subject });
      await after(manager);
    });
    onChange();
  }

  async function setRoom(manager: EntityManager, userId: string, isOpen: boolean): Promise<void> {
    const rooms = manager.getRepository(RoomEntity);
    const room = await rooms.findOneBy({ performerId: userId, isArchived: false });
    if (room === null) return;
    await billing.putRoom({ ...termsOf(room), isActive: isOpen });
    if (isOpen) return;
    await rooms.update({ id: room.id }, { keyHash: null, keyMask: null });
    // A key that nobody has: revokes the old one and drops its publisher.
    await billing.putStreamKey({ streamId: room.streamId, keyHash: newStreamKey().hash });
  }

  return {
    list: ({ search, afterId, limit }) => {
      const query = database
        .repository(UserEntity)
        .createQueryBuilder('u')
        .where("u.id > :afterId AND u.status <> 'deleted'", { afterId });
      if (search !== '') {
        const like = `${search.replace(/[\\%_]/g, (one) => `\\${one}`)}%`;
        query.andWhere('(u.username LIKE :like OR u.email LIKE :like)', { like });
      }
      return query.orderBy('u.id', 'ASC').take(limit).getMany();
    },

    async suspend(userId, reason, actor) {
      const columns = { status: 'suspended' as const };
      const deed = { columns, action: 'user.suspend', detail: { reason }, actor };
      await change(userId, deed, (manager) => setRoom(manager, userId, false));
      await sessions.endAll(userId, { reason: 'suspended' });
      // While Redis is away, tokens of open sockets end by themselves within the hour.
      await control.disconnect(userId).catch(() => undefined);
    },

    restore: (userId, actor) => {
      const columns = { status: 'active' as const };
      const deed = { columns, action: 'user.restore', detail: {}, actor };
      return change(userId, deed, (manager) => setRoom(manager, userId, true));
    },

    setModerator: (userId, isModerator, actor) =>
      change(userId, {
        columns: { isModerator },
        action: 'user.roles',
        detail: { isModerator },
        actor,
      }),
  };
}
