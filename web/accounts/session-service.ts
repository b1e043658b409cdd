// Logged-in devices: opened at login, renewed by single-use refresh tokens, ended by logout, by the
// user, by an admin or by the return of a used token. Used by the routes.
import type { Clock, Logger, TokenService } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { RefreshSessionEntity, type RefreshSession } from '../db/entities/refresh-session.js';
import type { User } from '../db/entities/user.js';
import { siteError } from '../errors.js';
import type { MarkStore } from '../ports.js';
import type { AccountService } from './account-service.js';
import { accessRole, type AccessClaims } from './principal.js';
import { randomId } from './random-id.js';
import { isGenuine, parseRefreshToken, signRefreshToken } from './refresh-token.js';

export interface Device {
  readonly ip: string;
  readonly userAgent: string;
}

/** What the browser keeps after a login or a refresh. */
export interface IssuedTokens {
  readonly user: User;
  readonly access: string;
  readonly refresh: string;
}

export interface SessionService {
  open(user: User, device: Device): Promise<IssuedTokens>;
  /**
   * A token that was used a moment ago by the same browser gives the same tokens again.
   * @throws SESSION_ENDED; SESSION_REUSED when it was used before that (the session then ends).
   */
  refresh(token: string, device: Device): Promise<IssuedTokens>;
  /** Ends one session of the user. False when it is not theirs or over. */
  end(sessionId: string, options: { userId: string; reason: string }): Promise<boolean>;
  /** Ends every session of the user but `exceptId`. */
  endAll(userId: string, options: { reason: string; exceptId?: string }): Promise<void>;
  /** Newest first. */
  list(userId: string): Promise<RefreshSession[]>;
  /** Whether access tokens of the session must be refused before they expire. */
  isEnded(sessionId: string): Promise<boolean>;
}

export interface SessionSettings {
  readonly accessTtlSec: number;
  readonly refreshTtlSec: number;
  /** For how long the token before the newest still gives the newest. */
  readonly refreshGraceSec: number;
  readonly tokenSecret: string;
}

const ROTATE = `UPDATE refresh_session
  SET generation = generation + 1, last_used_at = ?, expires_at = ?, user_agent = ?, ip = ?
  WHERE id = ? AND generation = ? AND revoked_at IS NULL AND expires_at > ?`;

export function createSessionService(parts: {
  database: Database;
  accounts: AccountService;
  tokens: TokenService;
  marks: MarkStore;
  clock: Clock;
  log: Logger;
  settings: SessionSettings;
}): SessionService {
  const { database, accounts, tokens, marks, clock, log, settings } = parts;
  const sessions = () => database.repository(RefreshSessionEntity);
  const now = (): Date => new Date(clock.nowMs());
  const expiry = (): Date => new Date(clock.nowMs() + settings.refreshTtlSec * 1_000);

  function issue(user: User, session: { id: string; generation: number; salt: string }) {
    const claims: AccessClaims = {
      sub: user.id,
      name: user.username,
      role: accessRole(user),
      sid: session.id,
    };
    return {
      user,
      access: tokens.sign('access', { ...claims }, settings.accessTtlSec),
      refresh: signRefreshToken({ ...session, sessionId: session.id }, settings.tokenSecret),
    };
  }

  /**
   * Two tabs of one browser renew at the same moment: the slower one gets the tokens of the faster.
   * A thief would have to be as quick, with the same browser, and gains no session of its own.
   */
  function isParallel(latest: RefreshSession, generation: number, userAgent: string): boolean {
    const ageMs = clock.nowMs() - latest.lastUsedAt.getTime();
    const isRecent = ageMs < settings.refreshGraceSec * 1_000;
    return isRecent && latest.generation === generation + 1 && latest.userAgent === userAgent;
  }

  async function revoke(ids: readonly string[], reason: string): Promise<void> {
    if (ids.length === 0) return;
    await sessions()
      .createQueryBuilder()
      .update()
      .set({ revokedAt: now(), revokedReason: reason })
      .where('id IN (:...ids) AND revoked_at IS NULL', { ids })
      .execute();
    // Without Redis an access token lives on until it expires, at most `accessTtlSec`.
    await Promise.all(
      ids.map((id) => marks.mark(markKey(id), settings.accessTtlSec).catch(() => undefined)),
    );
  }

  return {
    async open(user, device) {
      const session = { id: randomId(), generation: 0, salt: randomId() };
      await sessions().insert({
        ...session,
        userId: user.id,
        createdAt: now(),
        lastUsedAt: now(),
        expiresAt: expiry(),
        revokedAt: null,
        revokedReason: null,
        ...shorten(device),
      });
      return issue(user, session);
    },

    async refresh(text, device) {
      const token = parseRefreshToken(text);
      const session = token && (await sessions().findOneBy({ id: token.sessionId }));
      if (!token || !session || !isGenuine(token, session.salt, settings.tokenSecret)) {
        throw siteError('SESSION_ENDED');
      }
      const { ip, userAgent } = shorten(device);
      const moved = await database.rows(ROTATE, [
        now(),
        expiry(),
        userAgent,
        ip,
        session.id,
        token.generation,
        now(),
      ]);
      if (affectedRows(moved) === 1) {
        const user = await accounts.requireActive(session.userId);
        return issue(user, { ...session, generation: token.generation + 1 });
      }
      const latest = await sessions().findOneByOrFail({ id: session.id });
      if (latest.revokedAt !== null || latest.generation <= token.generation) {
        throw siteError('SESSION_ENDED');
      }
      if (isParallel(latest, token.generation, userAgent)) {
        return issue(await accounts.requireActive(session.userId), latest);
      }
      await revoke([session.id], 'reuse');
      log.warn({ event: 'session.reused', user: session.userId, session: session.id });
      throw siteError('SESSION_REUSED');
    },

    async end(sessionId, { userId, reason }) {
      const session = await sessions().findOneBy({ id: sessionId, userId });
      if (session === null || session.revokedAt !== null) return false;
      await revoke([sessionId], reason);
      return true;
    },

    async endAll(userId, { reason, exceptId }) {
      const open = await sessions()
        .createQueryBuilder('s')
        .where('s.userId = :userId AND s.revokedAt IS NULL', { userId })
        .getMany();
      await revoke(
        open.map((one) => one.id).filter((id) => id !== exceptId),
        reason,
      );
    },

    list: (userId) =>
      sessions()
        .createQueryBuilder('s')
        .where('s.userId = :userId AND s.revokedAt IS NULL AND s.expiresAt > :now', {
          userId,
          now: now(),
        })
        .orderBy('s.lastUsedAt', 'DESC')
        .take(50)
        .getMany(),

    isEnded: (sessionId) => marks.isMarked(markKey(sessionId)).catch(() => false),
  };
}

function markKey(sessionId: string): string {
  return `ended:${sessionId}`;
}

function shorten({ ip, userAgent }: Device): Device {
  return { ip: ip.slice(0, 45), userAgent: userAgent.slice(0, 200) };
}

/** The driver answers an UPDATE with a header in place of rows. */
function affectedRows(result: unknown): number {
  if (typeof result !== 'object' || result === null || !('affectedRows' in result)) return 0;
  return Number(result.affectedRows);
}
