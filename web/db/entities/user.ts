// An account. Money is never stored here: balances live in billing alone, under the user's id.
import { defineEntity } from './define-entity.js';

/**
 * `inactive` waits for activation; `suspended` was locked by an admin; `deleted` keeps only the id.
 */
export type UserStatus = 'active' | 'inactive' | 'suspended' | 'deleted';

export interface User {
  readonly id: string;
  username: string;
  /** Lower case. */
  email: string;
  /** argon2id, PHC string. */
  passwordHash: string;
  isModel: boolean;
  isModerator: boolean;
  isAdmin: boolean;
  isFinance: boolean;
  isSupport: boolean;
  status: UserStatus;
  /** When the owner of the address followed the activation link. */
  emailConfirmedAt: Date | null;
  createdAt: Date;
  lastLoginAt: Date | null;
  /** Content hash of the picture; null = none. */
  avatarId: string | null;
  /** Content hash of a picture that is being resized. */
  avatarUpload: string | null;
}

export const UserEntity = defineEntity<User>({
  name: 'User',
  tableName: 'user',
  columns: {
    id: { type: 'bigint', unsigned: true, primary: true, generated: 'increment' },
    username: { type: 'varchar', length: 30 },
    email: { type: 'varchar', length: 254 },
    passwordHash: { name: 'password_hash', type: 'varchar', length: 255 },
    isModel: { name: 'is_model', type: 'boolean', default: false },
    isModerator: { name: 'is_moderator', type: 'boolean', default: false },
    isAdmin: { name: 'is_admin', type: 'boolean', default: false },
    isFinance: { name: 'is_finance', type: 'boolean', default: false },
    isSupport: { name: 'is_support', type: 'boolean', default: false },
    status: { type: 'varchar', length: 10 },
    emailConfirmedAt: {
      name: 'email_confirmed_at',
      type: 'datetime',
      precision: 3,
      nullable: true,
    },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
    lastLoginAt: { name: 'last_login_at', type: 'datetime', precision: 3, nullable: true },
    avatarId: { name: 'avatar_id', type: 'char', length: 32, nullable: true },
    avatarUpload: { name: 'avatar_upload', type: 'char', length: 32, nullable: true },
  },
});
