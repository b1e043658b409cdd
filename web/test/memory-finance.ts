// The finance half of a billing that lives in the test: moves balances for payments, once per
// payment or key, remembers every command, and answers lists that the test sets. The real one has
// its own tests; fleet.test.ts joins both.
import { milli } from '../../billing/index.js';
import { DetailedError, siteError } from '../errors.js';
import type { Finance } from '../finance-port.js';
import type { MemoryBilling } from './memory-billing.js';

type Reply<M extends keyof Finance> = Awaited<ReturnType<Finance[M]>>;

export interface MemoryFinance extends Finance {
  /** Every command that changed something: method name, then what it was given. */
  readonly commands: [string, ...unknown[]][];
  /** The next command is refused with this code of billing. */
  refuseNext(billingCode: string): void;
  readonly payouts: Reply<'listPayouts'>['items'][number][];
  /** Newest first. */
  readonly entries: Reply<'listEarningsEntries'>['items'][number][];
  readonly shows: Reply<'listSessions'>['items'][number][];
}

export function createMemoryFinance(billing: MemoryBilling): MemoryFinance {
  const commands: [string, ...unknown[]][] = [];
  const done = new Set<string>();
  const limits = new Map<string, Reply<'getLimits'>>();
  const payouts: Reply<'listPayouts'>['items'][number][] = [];
  const shows: Reply<'listSessions'>['items'][number][] = [];
  const entries: MemoryFinance['entries'] = [];
  const spanOf = (amount: bigint) => ({
    ...{ showsMilli: amount, tipsMilli: amount, asStudioMilli: 0n },
  });
  let refusal: string | undefined;

  function refuse(): void {
    if (billing.isDown) throw siteError('BILLING_UNAVAILABLE');
    if (refusal !== undefined) {
      const billingCode = refusal;
      refusal = undefined;
      throw new DetailedError('FINANCE_REFUSED', { billingCode }, { why: billingCode });
    }
  }

  /** Records a command; false when its key was used before. */
  function act(name: string, key: string, ...given: unknown[]): boolean {
    refuse();
    if (done.has(`${name} ${key}`)) return false;
    done.add(`${name} ${key}`);
    commands.push([name, ...given]);
    return true;
  }
  const move = (userId: string, amount: bigint): void =>
    billing.setBalance(userId, billing.balanceOf(userId) + amount);
  const wallet = (userId: string) => ({
    ...{ balance: milli(billing.balanceOf(userId)), held: milli(0n), version: 1 },
  });
  const empty = () => Promise.resolve({ items: [] });
  const payers = new Map<string, { userId: string; amountMilli: bigint }>();
  const step = (name: string) => (id: string, given: object) => {
    act(name, id, id, given);
    const found = payouts.find((one) => one.id === id);
    if (found === undefined) throw new DetailedError('FINANCE_REFUSED', {}, { why: 'unknown' });
    return Promise.resolve(found);
  };
  const later = <T>(work: () => T): Promise<T> => Promise.resolve().then(work);

  return {
    commands,
    payouts,
    shows,
    refuseNext: (code) => void (refusal = code),
    purchase: (request) =>
      later(() => {
        const { provider, paymentRef, userId, amountMilli } = request;
        if (act('purchase', `${provider} ${paymentRef}`, request)) move(userId, amountMilli);
        payers.set(paymentRef, { userId, amountMilli });
        return wallet(userId);
      }),
    refundPurchase: (request) =>
      later(() => {
        const payer = payers.get(request.paymentRef);
        if (payer === undefined) throw siteError('EVENT_TOO_EARLY');
        const amount = request.amountMilli ?? payer.amountMilli;
        if (act('refundPurchase', request.key, request)) move(payer.userId, -amount);
        return wallet(payer.userId);
      }),
    chargeback: (request) =>
      later(() => {
        act('chargeback', request.key, request);
        return { state: request.state, isFrozen: request.state === 'opened', debtMilli: 0n };
      }),
    refund: (request) =>
      later(() => {
        act('refund', request.key, request);
        return { refundId: 'R1', amountMilli: request.amountMilli ?? 0n, walletBalance: milli(0n) };
      }),
    adjust: (request) =>
      later(() => {
        act('adjust', request.key, request);
        const { userId, amountMilli, reasonCode, ticket, actor } = request;
        const base = { userId, amountMilli, reasonCode, ticket, actor };
        return { id: '1', state: 'applied' as const, createdMs: 1, ...base };
      }),
    approveAdjustment: (id, actor) => later(() => decided('approveAdjustment', id, actor)),
    rejectAdjustment: (id, actor) => later(() => decided('rejectAdjustment', id, actor)),
    listAdjustments: empty,
    listPurchases: empty,
    listAudit: empty,
    freezeWallet: (userId, request) => later(() => void act('freeze', userId, userId, request)),
    getLots: () => Promise.resolve({ lots: [], debtMilli: 0n, isFrozen: false }),
    getLimits: (userId) => Promise.resolve(limits.get(userId) ?? {}),
    putLimits: (userId, wanted) => later(() => void limits.set(userId, wanted)),
    createCampaign: (request) =>
      later(() => {
        act('createCampaign', request.key, request);
        const { name, budgetMilli, expiresDays, paysPerformer } = request;
        const base = { name, budgetMilli, expiresDays, paysPerformer, remainingMilli: budgetMilli };
        return { id: '1', scope: 'any' as const, priority: 50, createdMs: 1, ...base };
      }),
    listCampaigns: () => Promise.resolve([]),
    grantFromCampaign: (id, request) =>
      later(() => {
        if (act('grantFromCampaign', request.key, id, request)) {
          move(request.userId, request.amountMilli);
        }
        return wallet(request.userId);
      }),
    getEarnings: () =>
      later(() => {
        if (billing.isDown) throw siteError('BILLING_UNAVAILABLE');
        const none = milli(0n);
        return { pending: none, available: none, inFlight: none, paid: none, total: none };
      }),
    entries,
    getEarningsDays: (_id, { from }) =>
      Promise.resolve([{ day: from, ...spanOf(1n), refundedMilli: -1n, netMilli: 2n }]),
    getEarningsSpans: (_id, spans) => Promise.resolve(spans.map(() => spanOf(1_500n))),
    listEarningsEntries: async (_id, page) => {
      await later(() => refuse());
      const { before } = page ?? {};
      const limit = page?.limit ?? 50;
      const from = before === undefined ? 0 : entries.findIndex((one) => one.id === before) + 1;
      const items = entries.slice(from, from + limit);
      const last = from + limit < entries.length ? items.at(-1) : undefined;
      return { items, ...(last === undefined ? {} : { next: last.id }) };
    },
    putPerformerTerms: (id, terms) => later(() => void act('terms', id, id, terms)),
    requestPayout: (request) =>
      later(() => {
        const known = payouts.find((one) => one.id === request.key);
        if (known !== undefined) return known;
        act('requestPayout', request.key, request);
        const { performerId, method, actor, amountMilli = 1_000n } = request;
        const base = { performerId, method, actor, amountMilli, feeMilli: 0n };
        const at = { createdMs: 1, updatedMs: 1 };
        const made = { id: request.key, state: 'requested' as const, ...base, ...at };
        payouts.push(made);
        return made;
      }),
    listPayouts: (filter) =>
      Promise.resolve({
        items: payouts.filter((one) => (filter?.performer ?? one.performerId) === one.performerId),
      }),
    approvePayout: step('approvePayout'),
    completePayout: step('completePayout'),
    failPayout: step('failPayout'),
    returnPayout: step('returnPayout'),
    getReport: (kind, { from, to }) =>
      Promise.resolve({ kind, from, to, columns: [kind, 'spent'], rows: [], totals: ['0'] }),
    getReportCsv: (kind) => Promise.resolve(`${kind},spent\r\n`),
    listSessions: ({ viewer, performer }) =>
      Promise.resolve({
        items: shows.filter(
          (one) =>
            (viewer ?? one.viewerId) === one.viewerId &&
            (performer ?? one.performerId) === one.performerId,
        ),
      }),
  };

  function decided(name: string, id: string, actor: string) {
    act(name, id, id, actor);
    const base = { userId: '1', amountMilli: 1n, reasonCode: 'x', ticket: 't', actor };
    return { id, state: 'applied' as const, createdMs: 1, ...base };
  }
}
