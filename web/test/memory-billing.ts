// A billing that lives in the test: the same promises by key and the same refusals, no charging
// over time. The real one is joined in billing.test.ts; here it would only make route tests slow.
import { siteError } from '../errors.js';
import type { Billing, BillingSession, OpenedSession, RoomTerms, TipReceipt } from '../ports.js';

export interface MemoryBilling extends Billing {
  readonly rooms: Map<string, RoomTerms>;
  readonly keys: Map<string, string>;
  readonly sessions: Map<string, BillingSession>;
  readonly tips: { roomId: string; amount: bigint; text: string | undefined }[];
  isDown: boolean;
  setBalance(userId: string, balance: bigint): void;
  balanceOf(userId: string): bigint;
}

export function createMemoryBilling(): MemoryBilling {
  const balances = new Map<string, bigint>();
  const done = new Map<string, { body: string; receipt: TipReceipt | bigint }>();
  const opened = new Map<string, OpenedSession>();
  let nextId = 0;

  const balanceOf = (userId: string): bigint => balances.get(userId) ?? 0n;
  const spend = (userId: string, amount: bigint): bigint => {
    const rest = balanceOf(userId) - amount;
    if (rest < 0n) throw siteError('INSUFFICIENT_CREDIT');
    balances.set(userId, rest);
    return rest;
  };
  const once = <R extends TipReceipt | bigint>(key: string, body: string, act: () => R) => {
    const before = done.get(key);
    if (before !== undefined && before.body !== body) throw siteError('KEY_REUSED');
    if (before !== undefined) return { receipt: before.receipt as R, isDuplicate: true };
    const receipt = act();
    done.set(key, { body, receipt });
    return { receipt, isDuplicate: false };
  };

  const billing: MemoryBilling = {
    rooms: new Map(),
    keys: new Map(),
    sessions: new Map(),
    tips: [],
    isDown: false,
    balanceOf,
    setBalance: (userId, balance) => void balances.set(userId, balance),
    openSession: async ({ viewerId, roomId, key }) => {
      await up();
      const known = opened.get(key);
      if (known !== undefined) return known;
      const price = billing.rooms.get(roomId)?.priceMilliPerMin ?? 0n;
      if (balanceOf(viewerId) < price / 6n) throw siteError('INSUFFICIENT_CREDIT');
      nextId += 1;
      const session: OpenedSession = {
        sessionId: `S${String(nextId).padStart(25, '0')}`,
        priceMilliPerMin: price,
        balance: balanceOf(viewerId),
        grantedUntilMs: Date.now() + 10_000,
      };
      opened.set(key, session);
      billing.sessions.set(session.sessionId, { viewerId, roomId, isActive: true });
      return session;
    },
    findSession: async (sessionId) => {
      await up();
      return billing.sessions.get(sessionId);
    },
    endSession: async (sessionId, reason) => {
      await up();
      const session = billing.sessions.get(sessionId);
      if (session) billing.sessions.set(sessionId, { ...session, isActive: false, reason });
    },
    tip: async ({ key, viewerId, roomId, amount, text }) => {
      await up();
      const { receipt, isDuplicate } = once(key, `${roomId} ${amount} ${text ?? ''}`, () => {
        const balance = spend(viewerId, amount);
        billing.tips.push({ roomId, amount, text });
        return { tipId: key, balance, isDuplicate: false };
      });
      return { ...receipt, isDuplicate };
    },
    wallet: async (userId) => {
      await up();
      return { balance: balanceOf(userId), held: 0n, version: 1 };
    },
    grant: async ({ key, userId, amount }) => {
      await up();
      return once(key, `${userId} ${amount}`, () => {
        balances.set(userId, balanceOf(userId) + amount);
        return balanceOf(userId);
      }).receipt;
    },
    putRoom: async (terms) => {
      await up();
      billing.rooms.set(terms.roomId, terms);
    },
    putStreamKey: async ({ streamId, keyHash }) => {
      await up();
      billing.keys.set(streamId, keyHash);
    },
    statement: async () => {
      await up();
      return { entries: [] };
    },
    earnings: async () => {
      await up();
      return { pending: 0n, total: 0n };
    },
    ledgerSummary: async () => {
      await up();
      return { entriesSum: '0', transfers: 0, accounts: [{ kind: 'cash', balance: '0' }] };
    },
  };

  function up(): Promise<void> {
    return billing.isDown ? Promise.reject(siteError('BILLING_UNAVAILABLE')) : Promise.resolve();
  }
  return billing;
}
