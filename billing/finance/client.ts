// The finance half of the typed client; BillingClient in ../client.ts extends it. Used by web's
// admin pages and its payment webhooks. Amounts are bigint here, strings on the wire; every POST
// carries a key or names a state, so all of them may be repeated.
import { type Milli, parseMilli } from '../money.js';
import type { WalletReply } from '../schema.js';
import type * as wire from './schema.js';

/**
 * What is needed of cluster's InternalClient. Rejects with AppError of the code that billing
 * answered.
 */
export interface InternalCaller {
  call(
    role: 'billing',
    method: string,
    path: string,
    body?: unknown,
    options?: { isIdempotent?: boolean },
  ): Promise<unknown>;
}

/** `balance` is all the viewer owns, `held` the part of it reserved by open sessions. */
export interface Wallet {
  readonly balance: Milli;
  readonly held: Milli;
  /** Grows with every change; a lower version is older. */
  readonly version: number;
}

/** Replaces wire strings by bigint in a request or a reply, optional ones too. */
type Amounts<T, K extends keyof T> = Omit<T, K> & {
  readonly [P in K]: undefined extends T[P] ? bigint | undefined : bigint;
};
type MoreAmounts<T, K extends keyof T> = Omit<T, K> & { readonly [P in K]?: bigint };

export type Purchase = Amounts<wire.PurchaseReply, 'amountMilli' | 'bonusMilli' | 'refundedMilli'>;
export type Adjustment = Amounts<wire.AdjustmentReply, 'amountMilli'>;
export type Campaign = Amounts<wire.CampaignReply, 'budgetMilli' | 'remainingMilli'>;
export type Payout = Amounts<wire.PayoutReply, 'amountMilli' | 'feeMilli'>;
export type Show = Amounts<wire.ShowReply, 'chargedMilli' | 'refundedMilli'>;
export type Lot = Omit<wire.LotReply, 'remainingMilli' | 'grantedMilli'> & {
  readonly remainingMilli: bigint;
  readonly grantedMilli?: bigint;
};
export type EarningsDay = Amounts<wire.EarnerDayReply, Exclude<keyof wire.EarnerDayReply, 'day'>>;
export type EarningsSpan = Amounts<wire.EarnerSpanReply, keyof wire.EarnerSpanReply>;
export type EarningsEntry = Amounts<wire.EarnerEntryReply, 'amountMilli'>;
export interface Earnings {
  /** Earned, not payable yet. */
  readonly pending: Milli;
  readonly available: Milli;
  readonly inFlight: Milli;
  readonly paid: Milli;
  /** All four together. */
  readonly total: Milli;
}
/** Spending limits that a viewer (or the site) sets; absent = none. */
export interface WalletLimits {
  readonly perShowMilli?: bigint;
  readonly perMinuteMilli?: bigint;
  readonly perDayMilli?: bigint;
  readonly tipMaxMilli?: bigint;
}
export interface PageOf {
  readonly before?: string;
  /** 1 … 200; default 50. */
  readonly limit?: number;
}
/** `2026-01-31`, UTC; both ends belong to the range, at most 400 days. */
export interface DayRange {
  readonly from: string;
  readonly to: string;
}

export class FinanceClient {
  constructor(protected readonly caller: InternalCaller) {}

  /**
   * Credits a captured payment, once per provider and paymentRef whatever the key.
   * @throws AppError BILLING_KEY_CONFLICT when the payment or the key was used with another body
   */
  async purchase(
    request: MoreAmounts<Amounts<wire.PurchaseRequest, 'amountMilli'>, 'bonusMilli'>,
  ): Promise<Wallet> {
    return toWallet(await this.post('/v1/purchases', toWire(request)));
  }

  /** Takes the credits of a payment back, and what is left of its bonus; the default is all. */
  async refundPurchase(
    request: MoreAmounts<wire.PurchaseRefundRequest, 'amountMilli'>,
  ): Promise<Wallet> {
    return toWallet(await this.post('/v1/purchases/refund', toWire(request)));
  }

  /** opened freezes the wallet, won lifts that, lost claws back; what is missing becomes debt. */
  async chargeback(
    request: wire.ChargebackRequest,
  ): Promise<Amounts<wire.ChargebackReply, 'debtMilli'>> {
    const reply = (await this.post('/v1/chargebacks', request)) as wire.ChargebackReply;
    return { ...reply, debtMilli: BigInt(reply.debtMilli) };
  }

  async listPurchases(filter: PageOf & { user?: string } = {}): Promise<wire.Page<Purchase>> {
    const page = await this.list<wire.PurchaseReply>('/v1/purchases', filter);
    return mapPage(page, (one) => ({
      ...one,
      amountMilli: BigInt(one.amountMilli),
      bonusMilli: BigInt(one.bonusMilli),
      refundedMilli: BigInt(one.refundedMilli),
    }));
  }

  /**
   * Gives a viewer back what a show or a tip has cost, into the same lots.
   * @throws AppError BILLING_REFUND_LIMIT, BILLING_REFUND_WINDOW, BILLING_APPROVAL_NEEDED
   */
  async refund(request: MoreAmounts<wire.RefundRequest, 'amountMilli'>): Promise<{
    refundId: string;
    amountMilli: bigint;
    walletBalance: Milli;
  }> {
    const reply = (await this.post('/v1/refunds', toWire(request))) as wire.RefundReply;
    const { refundId, amountMilli, walletBalance } = reply;
    return { refundId, amountMilli: BigInt(amountMilli), walletBalance: parseMilli(walletBalance) };
  }

  /** `amountMilli` may be below zero. Above the limit it waits for a second person. */
  async adjust(request: Amounts<wire.AdjustmentRequest, 'amountMilli'>): Promise<Adjustment> {
    return toAdjustment(await this.post('/v1/adjustments', toWire(request)));
  }

  async approveAdjustment(id: string, actor: string): Promise<Adjustment> {
    return toAdjustment(await this.post(`/v1/adjustments/${enc(id)}/approve`, { actor }));
  }

  async rejectAdjustment(id: string, actor: string): Promise<Adjustment> {
    return toAdjustment(await this.post(`/v1/adjustments/${enc(id)}/reject`, { actor }));
  }

  async listAdjustments(
    filter: PageOf & { state?: wire.AdjustmentReply['state'] } = {},
  ): Promise<wire.Page<Adjustment>> {
    return mapPage(await this.list<wire.AdjustmentReply>('/v1/adjustments', filter), toAdjustment);
  }

  async freezeWallet(userId: string, request: wire.FreezeRequest): Promise<void> {
    await this.post(`/v1/wallets/${enc(userId)}/freeze`, request);
  }

  async getLots(
    userId: string,
  ): Promise<{ lots: readonly Lot[]; debtMilli: bigint; isFrozen: boolean }> {
    const reply = (await this.get(`/v1/wallets/${enc(userId)}/lots`)) as wire.WalletLotsReply;
    const lots = reply.lots.map(({ remainingMilli, grantedMilli, ...rest }) => ({
      ...rest,
      remainingMilli: BigInt(remainingMilli),
      ...(grantedMilli === undefined ? {} : { grantedMilli: BigInt(grantedMilli) }),
    }));
    return { lots, debtMilli: BigInt(reply.debtMilli), isFrozen: reply.isFrozen };
  }

  async getLimits(userId: string): Promise<WalletLimits> {
    const reply = await this.get(`/v1/wallets/${enc(userId)}/limits`);
    const entries = Object.entries(reply as Record<string, string>);
    return Object.fromEntries(entries.map(([name, value]) => [name, BigInt(value)]));
  }

  /** Replaces all limits of the wallet. */
  async putLimits(userId: string, limits: WalletLimits): Promise<void> {
    await this.put(`/v1/wallets/${enc(userId)}/limits`, toWire(limits));
  }

  async createCampaign(request: Amounts<wire.CampaignRequest, 'budgetMilli'>): Promise<Campaign> {
    return toCampaign(await this.post('/v1/campaigns', toWire(request)));
  }

  async listCampaigns(): Promise<readonly Campaign[]> {
    const reply = (await this.get('/v1/campaigns')) as { items: wire.CampaignReply[] };
    return reply.items.map(toCampaign);
  }

  /** @throws AppError BILLING_BUDGET_SPENT, BILLING_LOT_LIMIT */
  async grantFromCampaign(
    campaignId: string,
    request: Amounts<wire.CampaignGrantRequest, 'amountMilli'>,
  ): Promise<Wallet> {
    const path = `/v1/campaigns/${enc(campaignId)}/grants`;
    return toWallet(await this.post(path, toWire(request)));
  }

  /** Lags by settlement (≤ 1 min). A studio's earnings are those of its user id. */
  async getEarnings(performerId: string): Promise<Earnings> {
    const reply = await this.get(`/v1/earnings/${enc(performerId)}`);
    const { pending, available, inFlight, paid, total } = reply as Record<keyof Earnings, string>;
    return {
      pending: parseMilli(pending),
      available: parseMilli(available),
      inFlight: parseMilli(inFlight),
      paid: parseMilli(paid),
      total: parseMilli(total),
    };
  }

  /** Every UTC day of the range, oldest first, zeros included; refunds are below zero. */
  async getEarningsDays(performerId: string, range: DayRange): Promise<readonly EarningsDay[]> {
    const reply = await this.get(query(`/v1/earnings/${enc(performerId)}/days`, range));
    return (reply as wire.EarnerDaysReply).days.map((one) => ({
      day: one.day,
      showsMilli: BigInt(one.showsMilli),
      tipsMilli: BigInt(one.tipsMilli),
      asStudioMilli: BigInt(one.asStudioMilli),
      refundedMilli: BigInt(one.refundedMilli),
      netMilli: BigInt(one.netMilli),
    }));
  }

  /** What was earned within each span of charging time, at most 50; refunds are not in it. */
  async getEarningsSpans(
    performerId: string,
    spans: readonly { readonly fromMs: number; readonly untilMs: number }[],
  ): Promise<readonly EarningsSpan[]> {
    if (spans.length === 0) return [];
    const of = spans.map(({ fromMs, untilMs }) => `${fromMs}-${untilMs}`).join(',');
    const reply = await this.get(query(`/v1/earnings/${enc(performerId)}/spans`, { of }));
    return (reply as { spans: wire.EarnerSpanReply[] }).spans.map((one) => ({
      showsMilli: BigInt(one.showsMilli),
      tipsMilli: BigInt(one.tipsMilli),
      asStudioMilli: BigInt(one.asStudioMilli),
    }));
  }

  /** What was earned, given back and paid out, newest first. */
  async listEarningsEntries(
    performerId: string,
    page: PageOf = {},
  ): Promise<wire.Page<EarningsEntry>> {
    const path = `/v1/earnings/${enc(performerId)}/entries`;
    return mapPage(await this.list<wire.EarnerEntryReply>(path, page), (one) => ({
      ...one,
      amountMilli: BigInt(one.amountMilli),
    }));
  }

  /** Changes what is given and keeps the rest. */
  async putPerformerTerms(
    performerId: string,
    terms: MoreAmounts<wire.PerformerTermsRequest, 'payoutMinimumMilli'>,
  ): Promise<void> {
    await this.put(`/v1/performers/${enc(performerId)}/terms`, toWire(terms));
  }

  /**
   * Reserves available earnings. @throws AppError BILLING_PAYOUT_MINIMUM, BILLING_PAYOUT_HOLD,
   * BILLING_EARNINGS_SHORT
   */
  async requestPayout(request: MoreAmounts<wire.PayoutRequest, 'amountMilli'>): Promise<Payout> {
    return toPayout(await this.post('/v1/payouts', toWire(request)));
  }

  async listPayouts(
    filter: PageOf & { performer?: string; state?: wire.PayoutState } = {},
  ): Promise<wire.Page<Payout>> {
    return mapPage(await this.list<wire.PayoutReply>('/v1/payouts', filter), toPayout);
  }

  /** requested → in_flight. @throws AppError BILLING_SELF_APPROVAL when the actor asked for it */
  async approvePayout(id: string, step: wire.PayoutStepRequest): Promise<Payout> {
    return toPayout(await this.post(`/v1/payouts/${enc(id)}/approve`, step));
  }

  /** in_flight → paid. */
  async completePayout(id: string, step: wire.PayoutStepRequest): Promise<Payout> {
    return toPayout(await this.post(`/v1/payouts/${enc(id)}/complete`, step));
  }

  /** requested or in_flight → failed; the amount is available again. */
  async failPayout(id: string, step: wire.PayoutStepRequest): Promise<Payout> {
    return toPayout(await this.post(`/v1/payouts/${enc(id)}/fail`, step));
  }

  /** paid → returned; the amount is available again, the fee is not. */
  async returnPayout(id: string, step: wire.PayoutStepRequest): Promise<Payout> {
    return toPayout(await this.post(`/v1/payouts/${enc(id)}/return`, step));
  }

  async getReport(kind: wire.ReportKind, range: DayRange): Promise<wire.ReportReply> {
    return (await this.get(query(`/v1/reports/${kind}`, range))) as wire.ReportReply;
  }

  /** RFC 4180, UTF-8, no byte order mark; no cell can be a formula. */
  async getReportCsv(kind: wire.ReportKind, range: DayRange): Promise<string> {
    const path = query(`/v1/reports/${kind}`, { ...range, format: 'csv' });
    return ((await this.get(path)) as { csv: string }).csv;
  }

  /** Settled shows of a viewer or a performer, or of both. */
  async listSessions(
    filter: PageOf & { viewer?: string; performer?: string },
  ): Promise<wire.Page<Show>> {
    return mapPage(await this.list<wire.ShowReply>('/v1/sessions', filter), (one) => ({
      ...one,
      chargedMilli: BigInt(one.chargedMilli),
      refundedMilli: BigInt(one.refundedMilli),
    }));
  }

  async listAudit(page: PageOf = {}): Promise<wire.Page<wire.AuditReply>> {
    return this.list<wire.AuditReply>('/v1/audit', page);
  }

  protected get(path: string): Promise<unknown> {
    return this.caller.call('billing', 'GET', path);
  }

  protected post(path: string, body: unknown): Promise<unknown> {
    // All of billing's calls are: by key, by watermark, or because ending twice is ending once.
    return this.caller.call('billing', 'POST', path, body, { isIdempotent: true });
  }

  protected put(path: string, body: unknown): Promise<unknown> {
    return this.caller.call('billing', 'PUT', path, body);
  }

  private async list<T>(path: string, filter: object): Promise<wire.Page<T>> {
    return (await this.get(query(path, filter))) as wire.Page<T>;
  }
}

export function toWallet(reply: unknown): Wallet {
  const { balance, held, version } = reply as WalletReply;
  return { balance: parseMilli(balance), held: parseMilli(held), version };
}

const enc = encodeURIComponent;

function toWire(request: object): object {
  return Object.fromEntries(
    Object.entries(request).map(([name, value]: [string, unknown]) => {
      return [name, typeof value === 'bigint' ? String(value) : value];
    }),
  );
}

function query(path: string, filter: object): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(filter) as [string, string | number | undefined][]) {
    if (value !== undefined) params.set(name, String(value));
  }
  return params.size === 0 ? path : `${path}?${params.toString()}`;
}

function mapPage<T, R>(page: wire.Page<T>, map: (item: T) => R): wire.Page<R> {
  return { ...page, items: page.items.map(map) };
}

function toAdjustment(reply: unknown): Adjustment {
  const found = reply as wire.AdjustmentReply;
  return { ...found, amountMilli: BigInt(found.amountMilli) };
}

function toCampaign(reply: unknown): Campaign {
  const found = reply as wire.CampaignReply;
  const [budgetMilli, remainingMilli] = [BigInt(found.budgetMilli), BigInt(found.remainingMilli)];
  return { ...found, budgetMilli, remainingMilli };
}

function toPayout(reply: unknown): Payout {
  const found = reply as wire.PayoutReply;
  return {
    ...found,
    amountMilli: BigInt(found.amountMilli),
    feeMilli: BigInt(found.feeMilli),
  };
}
