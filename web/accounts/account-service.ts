// Accounts: sign-up, credentials and look-up. Used by the routes, the demo data and other services.
// Invariant: names and e-mail addresses are unique whatever their case; the database decides races.
import type { Clock } from '../../cluster/index.js';
import { duplicateKey, type Database } from '../db/database.js';
import { UserEntity, type User } from '../db/entities/user.js';
import { FieldsError, siteError, type FieldError } from '../errors.js';
import { hashPassword, isPassword } from './password.js';

export interface SignUp {
  readonly username: string;
  readonly email: string;
  readonly password: string;
}

export interface AccountService {
  /** @throws ACCOUNT_EXISTS with a field error for each taken field. */
  signUp(form: SignUp): Promise<User>;
  /** @throws BAD_CREDENTIALS; ACCOUNT_INACTIVE or ACCOUNT_SUSPENDED only for the right password. */
  authenticate(login: string, password: string): Promise<User>;
  /** @throws UNAUTHENTICATED when it is gone; ACCOUNT_SUSPENDED, ACCOUNT_INACTIVE. */
  requireActive(userId: string): Promise<User>;
  /** @throws USER_NOT_FOUND */
  find(who: { id: string } | { username: string }): Promise<User>;
  setPassword(userId: string, password: string): Promise<void>;
  /** Gives or takes roles; for seeding and administration. */
  setRoles(userId: string, roles: Partial<Pick<User, 'isAdmin' | 'isModerator'>>): Promise<void>;
}

export function createAccountService({
  database,
  clock,
  initialStatus,
}: {
  database: Database;
  clock: Clock;
  /** `inactive` where accounts must be activated by mail before they can log in. */
  initialStatus: 'active' | 'inactive';
}): AccountService {
  const users = () => database.repository(UserEntity);

  async function takenFields({ username, email }: SignUp): Promise<FieldError[]> {
    const rows = await users().find({ where: [{ username }, { email }] });
    const taken: FieldError[] = [];
    if (rows.some((row) => row.username.toLowerCase() === username.toLowerCase())) {
      taken.push({ field: 'username', code: 'TAKEN', message: 'This name is taken.' });
    }
    if (rows.some((row) => row.email === email)) {
      taken.push({
        field: 'email',
        code: 'TAKEN',
        message: 'This address has an account already.',
      });
    }
    return taken;
  }

  return {
    async signUp({ username, password, ...form }) {
      const email = form.email.toLowerCase();
      const taken = await takenFields({ username, email, password });
      if (taken.length > 0) throw new FieldsError('ACCOUNT_EXISTS', taken);
      const passwordHash = await hashPassword(password);
      const row = {
        username,
        email,
        passwordHash,
        isModel: false,
        isModerator: false,
        isAdmin: false,
        isFinance: false,
        isSupport: false,
        status: initialStatus,
        emailConfirmedAt: null,
        createdAt: new Date(clock.nowMs()),
        lastLoginAt: null,
        avatarId: null,
        avatarUpload: null,
      };
      try {
        const inserted = await users().insert(row);
        return { ...row, id: String(inserted.identifiers[0]?.['id']) };
      } catch (thrown) {
        if (duplicateKey(thrown) === undefined) throw thrown;
        throw new FieldsError('ACCOUNT_EXISTS', await takenFields({ username, email, password }));
      }
    },

    async authenticate(login, password) {
      const where = login.includes('@') ? { email: login.toLowerCase() } : { username: login };
      const user = await users().findOneBy(where);
      if (!(await isPassword(password, user?.passwordHash)) || user === null) {
        throw siteError('BAD_CREDENTIALS');
      }
      refuseUnlessActive(user, 'BAD_CREDENTIALS');
      await users().update({ id: user.id }, { lastLoginAt: new Date(clock.nowMs()) });
      return user;
    },

    async requireActive(userId) {
      const user = await users().findOneBy({ id: userId });
      if (user === null) throw siteError('UNAUTHENTICATED');
      refuseUnlessActive(user, 'UNAUTHENTICATED');
      return user;
    },

    async find(who) {
      const user = await users().findOneBy(who);
      if (user === null || user.status === 'deleted') throw siteError('USER_NOT_FOUND');
      return user;
    },

    async setPassword(userId, password) {
      await users().update({ id: userId }, { passwordHash: await hashPassword(password) });
    },

    async setRoles(userId, roles) {
      await users().update({ id: userId }, roles);
    },
  };
}

function refuseUnlessActive(user: User, ifDeleted: 'BAD_CREDENTIALS' | 'UNAUTHENTICATED'): void {
  switch (user.status) {
    case 'active':
      return;
    case 'inactive':
      throw siteError('ACCOUNT_INACTIVE');
    case 'suspended':
      throw siteError('ACCOUNT_SUSPENDED');
    case 'deleted':
      throw siteError(ifDeleted);
  }
}
