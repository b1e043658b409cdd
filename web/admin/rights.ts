// What each role of staff may do. The only place that says so: routes ask for a right, pages hide
// what an account has no right to. A role is looked up with every request, so who loses it loses
// its rights at once.
import type { User } from '../db/entities/user.js';

export const STAFF_ROLES = ['isAdmin', 'isFinance', 'isSupport', 'isModerator'] as const;
export type StaffRole = (typeof STAFF_ROLES)[number];
export type StaffRoles = Pick<User, StaffRole>;

/** Right → roles that have it, beside admins, who have all. */
const GRANTED = {
  /** Approve and decline models. */
  applications: ['isModerator'],
  /** Look up accounts, their wallets and statements. */
  accounts: ['isSupport', 'isFinance'],
  /** Suspend and restore accounts that are not staff. */
  suspend: ['isSupport', 'isModerator'],
  /** Reports of viewers. */
  reports: ['isModerator', 'isSupport'],
  /** End shows, move viewers. */
  stage: ['isModerator'],
  /** Give shows and tips back, decide on what viewers ask for. */
  refunds: ['isSupport', 'isFinance'],
  /** Grants, books, payouts, campaigns, adjustments, chargebacks. */
  money: ['isFinance'],
  /** Roles, the audit record, the mailbox, the programme. */
  site: [],
} as const satisfies Record<string, readonly StaffRole[]>;

export type Right = keyof typeof GRANTED;
export const RIGHTS = Object.keys(GRANTED) as Right[];

export function hasRight(user: StaffRoles, right: Right): boolean {
  const roles: readonly StaffRole[] = GRANTED[right];
  return user.isAdmin || roles.some((role) => user[role]);
}

export function rightsOf(user: StaffRoles): Right[] {
  return RIGHTS.filter((right) => hasRight(user, right));
}

export function isStaff(user: StaffRoles): boolean {
  return STAFF_ROLES.some((role) => user[role]);
}
