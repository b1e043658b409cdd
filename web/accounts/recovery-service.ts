// What runs over the owner's mailbox: confirming an address and choosing a new password. Used by
// the account routes. Invariant: answers never tell whether an account exists.
import type { EntityManager } from 'typeorm';
import type { Clock } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { UserEntity, type User } from '../db/entities/user.js';
import { postMail } from '../mail/outbox.js';
import { lastLinkAt, makeLink, takeLink } from './mail-links.js';
import { hashPassword } from './password.js';
import type { SessionService } from './session-service.js';

/** At most one mail of a kind to an account in this time. */
const PAUSE_MS = 15 * 60_000;

export interface RecoveryService {
  /** Mails an activation link; a second one within 15 minutes is not sent. */
  mailActivation(user: User): Promise<void>;
  /** The same for whoever claims to own an account that is not confirmed; silent otherwise. */
  mailActivationTo(login: string): Promise<void>;
  /** @throws LINK_INVALID */
  activate(token: string): Promise<User>;
  /** Mails a reset link, if there is such an active account and none was sent for 15 minutes. */
  mailReset(login: string): Promise<void>;
  /** Sets the password and ends all sessions. @throws LINK_INVALID */
  reset(token: string, password: string): Promise<void>;
}

export function createRecoveryService(parts: {
  database: Database;
  sessions: SessionService;
  clock: Clock;
  publicUrl: string;
}): RecoveryService {
  const { database, sessions, clock } = parts;
  const publicUrl = parts.publicUrl.replace(/\/$/, '');
  const now = (): Date => new Date(clock.nowMs());

  async function isTooSoon(
    manager: EntityManager,
    userId: string,
    purpose: 'activate' | 'reset',
  ): Promise<boolean> {
    // The row lock makes simultaneous requests wait for each other, so that one mail goes out.
    const lock = { mode: 'pessimistic_write' } as const;
    await manager.getRepository(UserEntity).findOne({ where: { id: userId }, lock });
    const last = await lastLinkAt(manager, { userId, purpose });
    return last !== undefined && last.getTime() > clock.nowMs() - PAUSE_MS;
  }

  const findUser = (login: string): Promise<User | null> =>
    database
      .repository(UserEntity)
      .findOneBy(login.includes('@') ? { email: login.toLowerCase() } : { username: login });

  async function mailActivation({ id, username, email }: User): Promise<void> {
    await database.transaction(async (manager) => {
      if (await isTooSoon(manager, id, 'activate')) return;
      const token = await makeLink(manager, { userId: id, purpose: 'activate', now: now() });
      const body = letter(username, 'please confirm your address', `activate?token=${token}`, [
        'The link works once, for 14 days. If you did not sign up, ignore this mail.',
      ]);
      await postMail(manager, { to: email, subject: 'Confirm your address', body }, now());
    });
  }

  function letter(name: string, plea: string, path: string, notes: string[]): string {
    return [`Hello ${name},`, '', `${plea}:`, `${publicUrl}/${path}`, '', ...notes, ''].join('\n');
  }

  return {
    mailActivation,

    async mailActivationTo(login) {
      const user = await findUser(login);
      const isOpen = user?.status === 'inactive' || user?.status === 'active';
      if (user === null || !isOpen || user.emailConfirmedAt !== null) return;
      await mailActivation(user);
    },

    activate: (token) =>
      database.transaction(async (manager) => {
        const link = await takeLink(manager, { token, purpose: 'activate', now: now() });
        const users = manager.getRepository(UserEntity);
        const user = await users.findOneByOrFail({ id: link.userId });
        const status = user.status === 'inactive' ? 'active' : user.status;
        await users.update({ id: user.id }, { status, emailConfirmedAt: now() });
        return { ...user, status };
      }),

    async mailReset(login) {
      const user = await findUser(login);
      if (user?.status !== 'active') return;
      await database.transaction(async (manager) => {
        if (await isTooSoon(manager, user.id, 'reset')) return;
        const token = await makeLink(manager, { userId: user.id, purpose: 'reset', now: now() });
        const body = letter(user.username, 'choose a new password here', `reset?token=${token}`, [
          'The link works once, for two days. If you did not ask for it, ignore this mail.',
        ]);
        await postMail(manager, { to: user.email, subject: 'Choose a new password', body }, now());
      });
    },

    async reset(token, password) {
      const passwordHash = await hashPassword(password);
      const userId = await database.transaction(async (manager) => {
        const link = await takeLink(manager, { token, purpose: 'reset', now: now() });
        // Whoever reads the mailbox has also confirmed the address.
        const change = { passwordHash, emailConfirmedAt: now() };
        await manager.getRepository(UserEntity).update({ id: link.userId }, change);
        return link.userId;
      });
      await sessions.endAll(userId, { reason: 'reset' });
    },
  };
}
