// What admins do with credits: grants, and the state of the books. Every grant is audited.
import type { Clock } from '../../cluster/index.js';
import type { AccountService } from '../accounts/account-service.js';
import type { Database } from '../db/database.js';
import type { Billing, LedgerSummary } from '../ports.js';
import { commandKey } from '../rooms/command-key.js';
import { recordAudit, type Actor } from './audit.js';

export interface GrantRequest {
  readonly to: { id: string } | { username: string };
  readonly amountMilli: string;
  readonly reason: string;
  readonly key: string;
  readonly actor: Actor;
}

export interface FinanceService {
  /** Idempotent by (admin, key). @throws USER_NOT_FOUND, KEY_REUSED, BILLING_UNAVAILABLE */
  grant(request: GrantRequest): Promise<{ userId: string; balance: bigint }>;
  summary(): Promise<LedgerSummary>;
}

export function createFinanceService(parts: {
  database: Database;
  accounts: AccountService;
  billing: Billing;
  clock: Clock;
}): FinanceService {
  const { database, accounts, billing, clock } = parts;
  return {
    async grant({ to, amountMilli, reason, key, actor }) {
      const user = await accounts.find(to);
      const balance = await database.transaction(async (manager) => {
        await recordAudit(manager, {
          actor,
          action: 'credits.grant',
          subjectType: 'user',
          subjectId: user.id,
          detail: { amountMilli, reason, key },
          createdAt: new Date(clock.nowMs()),
        });
        // Last: a refused grant leaves no audit entry, a repeated one leaves one per attempt.
        return billing.grant({
          key: commandKey('grant', actor.id, key),
          userId: user.id,
          amount: BigInt(amountMilli),
          reason,
          actor: actor.id,
        });
      });
      return { userId: user.id, balance };
    },
    summary: () => billing.ledgerSummary(),
  };
}
