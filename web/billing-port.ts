// Billing as the site sees it: the typed client of billing, its faults turned into those of the
// site. Used by main.ts and demo.ts.
import type { BillingClient, BillingErrorCode } from '../billing/index.js';
import { AppError } from '../cluster/index.js';
import { DetailedError, siteError, type ErrorCode } from './errors.js';
import type { Billing } from './ports.js';

/** What the site answers for a refusal of billing; every other fault means that billing is away. */
const REFUSALS: Readonly<Partial<Record<BillingErrorCode, ErrorCode>>> = {
  BILLING_INSUFFICIENT_CREDIT: 'INSUFFICIENT_CREDIT',
  BILLING_WALLET_FROZEN: 'WALLET_FROZEN',
  BILLING_KEY_CONFLICT: 'KEY_REUSED',
  BILLING_KEY_EXPIRED: 'KEY_REUSED',
  BILLING_ROOM_UNKNOWN: 'ROOM_NOT_FOUND',
  BILLING_ROOM_CLOSED: 'ROOM_NOT_FOUND',
  BILLING_NOT_PAID_ROOM: 'PRICE_CHANGED',
  BILLING_SELF_PAYMENT: 'TIP_REFUSED',
  BILLING_TIP_LIMIT: 'TIP_REFUSED',
  BILLING_SPEND_LIMIT: 'SPENDING_LIMIT',
  BILLING_TIME_LIMIT: 'TIME_USED_UP',
  BILLING_AMOUNT_INVALID: 'TIP_REFUSED',
  BILLING_BALANCE_LIMIT: 'BALANCE_LIMIT',
  BILLING_SESSION_UNKNOWN: 'SESSION_NOT_FOUND',
};

export type AskBilling = <T>(question: (billing: BillingClient) => Promise<T>) => Promise<T>;

/** Refusals that only finance gives; their words and code reach whoever asked. */
const FINANCE_REFUSALS: ReadonlySet<string> = new Set([
  ...['BILLING_SUBJECT_UNKNOWN', 'BILLING_STATE_CONFLICT', 'BILLING_APPROVAL_NEEDED'],
  'BILLING_SELF_APPROVAL',
  ...['BILLING_REFUND_LIMIT', 'BILLING_REFUND_WINDOW', 'BILLING_BUDGET_SPENT'],
  ...['BILLING_LOT_LIMIT', 'BILLING_PAYOUT_MINIMUM', 'BILLING_PAYOUT_HOLD'],
  ...['BILLING_EARNINGS_SHORT', 'BILLING_KEY_TAKEN', 'BILLING_BAD_REQUEST'],
]);

/** @param client gives the client, or throws while the member list is not there. */
export function createAskBilling(client: () => BillingClient): AskBilling {
  return async (question) => {
    try {
      return await question(client());
    } catch (thrown) {
      throw translate(thrown);
    }
  };
}

export function createBillingPort(ask: AskBilling): Billing {
  return {
    openSession: (request) => ask((billing) => billing.openSession(request)),
    async findSession(sessionId) {
      try {
        const session = await ask((billing) => billing.getSession(sessionId));
        const { viewerId, roomId, state, reason } = session;
        const base = { viewerId, roomId, isActive: state === 'active' };
        return reason === undefined ? base : { ...base, reason };
      } catch (thrown) {
        if (thrown instanceof AppError && thrown.code === 'SESSION_NOT_FOUND') return undefined;
        throw thrown;
      }
    },
    async endSession(sessionId, reason) {
      await ask((billing) => billing.endSession({ sessionId, reason }));
    },
    async tip({ amount, ...request }) {
      const receipt = await ask((billing) => billing.tip({ ...request, amountMilli: amount }));
      const { tipId, balance, duplicate } = receipt;
      return { tipId, balance, isDuplicate: duplicate };
    },
    wallet: (userId) => ask((billing) => billing.getWallet(userId)),
    async grant({ amount, ...request }) {
      const wallet = await ask((billing) => billing.grant({ ...request, amountMilli: amount }));
      return wallet.balance;
    },
    putRoom: ({ roomId, ...terms }) => ask((billing) => billing.putRoom(roomId, terms)),
    putShowLimit: (roomId, maxSec) => ask((billing) => billing.putShowLimit(roomId, maxSec)),
    putStreamKey: (key) => ask((billing) => billing.putStreamKey(key)),
    async statement(userId, page) {
      const { entries, next } = await ask((billing) => billing.getStatement(userId, page));
      return { entries: [...entries], ...(next === undefined ? {} : { next }) };
    },
    earnings: (performerId) => ask((billing) => billing.getEarnings(performerId)),
    ledgerSummary: () => ask((billing) => billing.getLedgerSummary()),
  };
}

function translate(thrown: unknown): AppError {
  const code: string = thrown instanceof AppError ? String(thrown.code) : '';
  const refusal = REFUSALS[code as BillingErrorCode];
  const why = thrown instanceof Error ? thrown.message : '';
  if (refusal === undefined && FINANCE_REFUSALS.has(code)) {
    return new DetailedError('FINANCE_REFUSED', { billingCode: code }, { why });
  }
  if (refusal === undefined) return siteError('BILLING_UNAVAILABLE', {}, thrown);
  return siteError(refusal, { why }, thrown);
}
