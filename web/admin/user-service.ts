// What staff does with accounts: look them up, suspend and restore them, give and take roles. Every
// deed is audited. A suspended account is logged out everywhere; its room closes and its stream key
// is revoked. Who loses a role enters open rooms again without it. An admin is always left.
import type { EntityManager } from 'typeorm';
import type { SessionService } from '../accounts/session-service.js';
import type { Database } from '../db/database.js';
import { RoomEntity } from '../db/entities/room.js';
import { UserEntity, type User } from '../db/entities/user.js';
import { coerceError, type Clock, type Logger } from '../../cluster/index.js';
import { siteError } from '../errors.js';
import { termsOf } from '../models/room-terms.js';
import { newStreamKey } from '../models/stream-key.js';
import { EVERY_ROOM, type Billing, type RoomControl } from '../ports.js';
import { recordAudit, type Actor } from './audit.js';
import { lockAdmins } from './last-admin.js';
import { hasRight, isStaff, STAFF_ROLES, type StaffRoles } from './rights.js';

/** Who acts, with the roles of that account. */
export interface StaffActor extends Actor {
  readonly roles: StaffRoles;
}

export interface UserService {
  /** By id; `search` is the beginning of a name or an address. */
  list(query: { search: string; afterId: string; limit: number }): Promise<User[]>;
  /**
   * @throws USER_NOT_FOUND, LAST_ADMIN, BILLING_UNAVAILABLE (then nothing changed), FORBIDDEN for
   *   oneself and, unless `by` may give roles, for staff
   */
  suspend(userId: string, reason: string, actor: StaffActor): Promise<void>;
  /** @throws as `suspend` */
  restore(userId: string, actor: StaffActor): Promise<void>;
  /** What is absent stays. One may give up one's own roles. @throws USER_NOT_FOUND, LAST_ADMIN */
  setRoles(userId: string, roles: Partial<StaffRoles>, actor: Actor): Promise<void>;
}

export function createUserService(parts: {
  database: Database;
  sessions: SessionService;
  control: RoomControl;
  billing: Billing;
  clock: Clock;
  log: Logger;
  /** Called after an account has changed. */
  onChange: () => void;
}): UserService {
  const { database, sessions, control, billing, clock, log, onChange } = parts;

  /**
   * Changes the account under a row lock, with its audit entry; `after` may still undo everything.
   * @returns the account as it was
   */
  async function change(
    userId: string,
    deed: {
      columns: Partial<User>;
      action: string;
      detail: Record<string, string | boolean>;
      actor: Actor;
      /** Refuses by throwing. */
      check?: (user: User) => void;
    },
    after: (manager: EntityManager) => Promise<void> = () => Promise.resolve(),
  ): Promise<User> {
    const { columns, action, detail, actor, check } = deed;
    const isAdminLost = columns.isAdmin === false || columns.status === 'suspended';
    const before = await database.transaction(async (manager) => {
      const keepAnAdmin = isAdminLost ? await lockAdmins(manager) : undefined;
      const users = manager.getRepository(UserEntity);
      const lock = { mode: 'pessimistic_write' } as const;
      const user = await users.findOne({ where: { id: userId }, lock });
      if (user === null || user.status === 'deleted') throw siteError('USER_NOT_FOUND');
      check?.(user);
      keepAnAdmin?.(userId);
      await users.update({ id: userId }, columns);
      const subject = { subjectType: 'user', subjectId: userId } as const;
      const createdAt = new Date(clock.nowMs());
      await recordAudit(manager, { actor, action, detail, createdAt, ...subject });
      await after(manager);
      return user;
    });
    onChange();
    return before;
  }

  /** Staff is locked out by admins alone, and nobody locks out oneself. */
  const mayLock = (actor: StaffActor) => (user: User) => {
    const isAllowed = hasRight(actor.roles, 'site') || !isStaff(user);
    if (user.id === actor.id || !isAllowed) throw siteError('FORBIDDEN');
  };

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
      const check = mayLock(actor);
      const deed = { columns, action: 'user.suspend', detail: { reason }, actor, check };
      await change(userId, deed, (manager) => setRoom(manager, userId, false));
      await sessions.endAll(userId, { reason: 'suspended' });
      // While Redis is away, tokens of open sockets end by themselves within the hour.
      await control.disconnect(userId).catch(() => undefined);
    },

    async restore(userId, actor) {
      const columns = { status: 'active' as const };
      const check = mayLock(actor);
      const deed = { columns, action: 'user.restore', detail: {}, actor, check };
      await change(userId, deed, (manager) => setRoom(manager, userId, true));
    },

    async setRoles(userId, roles, actor) {
      const deed = { columns: roles, action: 'user.roles', detail: { ...roles }, actor };
      const before = await change(userId, deed);
      if (!STAFF_ROLES.some((role) => before[role] && roles[role] === false)) return;
      // Requests look at the account anyway; levels inside rooms came with tickets.
      await control
        .evict({ roomId: EVERY_ROOM, user: userId, reason: 'role' })
        .catch((thrown: unknown) =>
          log.warn({ event: 'roles.evict_failed', userId, err: coerceError(thrown) }),
        );
    },
  };
}
