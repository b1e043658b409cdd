// One logged-in device. Its refresh tokens are numbered; a number that comes back after it was used
// means that a token was copied, and the whole session (the family) ends.
import { defineEntity } from './define-entity.js';

export interface RefreshSession {
  /** 22 base64url characters; the `sid` claim of access tokens. */
  readonly id: string;
  readonly userId: string;
  /** Number of the only refresh token that is good. */
  generation: number;
  /**
   * Enters the signature of each token, so that neither a leaked table nor a leaked secret is
   * enough.
   */
  readonly salt: string;
  readonly createdAt: Date;
  lastUsedAt: Date;
  expiresAt: Date;
  revokedAt: Date | null;
  revokedReason: string | null;
  /** What the device list shows. */
  userAgent: string;
  ip: string;
}

export const RefreshSessionEntity = defineEntity<RefreshSession>({
  name: 'RefreshSession',
  tableName: 'refresh_session',
  columns: {
    id: { type: 'char', length: 22, primary: true },
    userId: { name: 'user_id', type: 'bigint', unsigned: true },
    generation: { type: 'int', unsigned: true },
    salt: { type: 'char', length: 22 },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
    lastUsedAt: { name: 'last_used_at', type: 'datetime', precision: 3 },
    expiresAt: { name: 'expires_at', type: 'datetime', precision: 3 },
    revokedAt: { name: 'revoked_at', type: 'datetime', precision: 3, nullable: true },
    revokedReason: { name: 'revoked_reason', type: 'varchar', length: 20, nullable: true },
    userAgent: { name: 'user_agent', type: 'varchar', length: 200 },
    ip: { type: 'varchar', length: 45 },
  },
});
