// Who makes a request. Made from a signed token alone, without a look at the database; whatever
// decides over money or power looks at the account again.
import type { User } from '../db/entities/user.js';

export type AccessRole = 'viewer' | 'model' | 'admin';

/** Claims of an access token; `sid` is the session that it belongs to. */
export interface AccessClaims {
  readonly sub: string;
  readonly name: string;
  readonly role: AccessRole;
  readonly sid: string;
}

export interface Principal extends AccessClaims {
  readonly isBearer: boolean;
}

/** Roles as realtime connections carry them. */
export type ConnectRole = 'anon' | 'viewer' | 'model' | 'moderator' | 'admin';

export function accessRole(user: Pick<User, 'isAdmin' | 'isModel'>): AccessRole {
  if (user.isAdmin) return 'admin';
  return user.isModel ? 'model' : 'viewer';
}

export function connectRole(user: User): ConnectRole {
  if (user.isAdmin) return 'admin';
  if (user.isModerator) return 'moderator';
  return user.isModel ? 'model' : 'viewer';
}
