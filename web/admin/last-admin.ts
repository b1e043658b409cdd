// A site always has an admin. Used by whatever suspends, demotes or closes accounts, inside its own
// transaction.
import type { EntityManager } from 'typeorm';
import { siteError } from '../errors.js';

const ADMINS = `SELECT id FROM user WHERE is_admin = TRUE AND status = 'active'
  ORDER BY id FOR UPDATE`;

/**
 * Locks all active admins before any other row, so that of two admins who demote each other one
 * comes too late.
 * @returns refuses the end of the only one that is left with LAST_ADMIN
 */
export async function lockAdmins(manager: EntityManager): Promise<(userId: string) => void> {
  const admins = await manager.query<{ id: string }[]>(ADMINS);
  return (userId) => {
    if (admins.length === 1 && String(admins[0]?.id) === userId) throw siteError('LAST_ADMIN');
  };
}
