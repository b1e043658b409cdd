// The typed client of billing's internal API. Used by web, gateway and rtmp; every call is signed
// and routed by the InternalClient that the caller's main.ts passes in. Amounts are bigint here,
// strings on the wire.
import { FinanceClient, toWallet, type Wallet } from './finance/client.js';
import { type Milli, parseMilli } from './money.js';
import type {
  EndReason,
  GrantRequest,
  LedgerSummaryReply,
  OpenReply,
  OpenRequest,
  PriceRequest,
  RoomTermsRequest,
  SessionReply,
  StatementReply,
  StreamKeyRequest,
  TipReply,
  TipRequest,
  TouchItem,
  TouchResult,
} from './schema.js';

export interface OpenedSession extends Omit<OpenReply, 'priceMilliPerMin' | 'balance'> {
  readonly priceMilliPerMin: Milli;
  readonly balance: Milli;
}

export interface SessionView extends Omit<SessionReply, 'chargedMilli'> {
  readonly chargedMilli: Milli;
}

export interface TipReceipt extends Omit<TipReply, 'balance'> {
  readonly balance: Milli;
}

/** Replaces a wire string by a bigint in a request. */
type Amounts<T, K extends keyof T> = Omit<T, K> & { readonly [P in K]: bigint };

export type RoomTermsOf = Omit<RoomTermsRequest, 'priceMilliPerMin' | 'tariff'> & {
  readonly priceMilliPerMin: bigint;
  readonly tariff?: TariffOf;
};

/** How a room is paid; amounts in milli-credits. */
export type TariffOf = Omit<PriceRequest, 'ticketMilli' | 'minimumMilli'> & {
  readonly ticketMilli?: bigint;
  readonly minimumMilli?: bigint;
};

export class BillingClient extends FinanceClient {
  /**
   * Opens a paid session, or joins the one that this viewer has in the room already.
   * Idempotent by key. @throws AppError BILLING_INSUFFICIENT_CREDIT, BILLING_NOT_PAID_ROOM, …
   */
  async openSession(request: OpenRequest): Promise<OpenedSession> {
    const reply = (await this.post('/v1/sessions/open', request)) as OpenReply;
    return {
      ...reply,
      priceMilliPerMin: parseMilli(reply.priceMilliPerMin),
      balance: parseMilli(reply.balance),
    };
  }

  /**
   * Proofs of life for up to 5,000 sessions; send them every `billing.updateIntervalMs`. Safe to
   * repeat.
   */
  async touchSessions(items: readonly TouchItem[]): Promise<readonly TouchResult[]> {
    const reply = (await this.post('/v1/sessions/touch', { items })) as { items: TouchResult[] };
    return reply.items;
  }

  /** Charges up to now and ends the session. Ending twice answers the first end. */
  async endSession(request: { sessionId: string; reason: EndReason }): Promise<SessionView> {
    return toSessionView(await this.post('/v1/sessions/end', request));
  }

  /** @throws AppError BILLING_SESSION_UNKNOWN a day after the end */
  async getSession(sessionId: string): Promise<SessionView> {
    return toSessionView(await this.get(`/v1/sessions/${encodeURIComponent(sessionId)}`));
  }

  /** Debits the viewer and announces the tip in the room. The same key never pays twice. */
  async tip(request: Amounts<TipRequest, 'amountMilli'>): Promise<TipReceipt> {
    const body = { ...request, amountMilli: String(request.amountMilli) };
    const reply = (await this.post('/v1/tips', body)) as TipReply;
    return { ...reply, balance: parseMilli(reply.balance) };
  }

  /** A wallet that never moved is empty at version 0. */
  async getWallet(userId: string): Promise<Wallet> {
    return toWallet(await this.get(`/v1/wallets/${encodeURIComponent(userId)}`));
  }

  /** Ledger entries of a wallet, newest first; `before` is the `next` of the page before. */
  async getStatement(
    userId: string,
    page: { before?: string; limit?: number } = {},
  ): Promise<StatementReply> {
    const query = new URLSearchParams();
    if (page.before !== undefined) query.set('before', page.before);
    if (page.limit !== undefined) query.set('limit', String(page.limit));
    const suffix = query.size === 0 ? '' : `?${query.toString()}`;
    const path = `/v1/wallets/${encodeURIComponent(userId)}/entries${suffix}`;
    return (await this.get(path)) as StatementReply;
  }

  /**
   * Gives credits. Committed to SQL first; returns when the wallet can spend them. Idempotent by
   * key.
   */
  async grant(request: Amounts<GrantRequest, 'amountMilli'>): Promise<Wallet> {
    const body = { ...request, amountMilli: String(request.amountMilli) };
    return toWallet(await this.post('/v1/grants', body));
  }

  /**
   * Sets what a room costs and who earns. `priceMilliPerMin` 0n without a tariff = free. Open
   * sessions go on at the new price from the moment of the call; see billing/README.md.
   */
  async putRoom(roomId: string, terms: RoomTermsOf): Promise<void> {
    const { tariff, priceMilliPerMin, ...rest } = terms;
    const amount = (_: string, value: unknown): unknown => {
      return typeof value === 'bigint' ? String(value) : value;
    };
    const body: unknown = JSON.parse(JSON.stringify({ ...rest, priceMilliPerMin, tariff }, amount));
    await this.caller.call('billing', 'PUT', `/v1/rooms/${encodeURIComponent(roomId)}`, body);
  }

  /**
   * Longest show of the room's publisher; 0 = no limit, null = as the site has it.
   * @throws AppError BILLING_ROOM_UNKNOWN
   */
  async putShowLimit(roomId: string, maxSec: number | null): Promise<void> {
    const path = `/v1/rooms/${encodeURIComponent(roomId)}/show-limit`;
    await this.caller.call('billing', 'PUT', path, { maxSec });
  }

  /** Replaces the stream's key; the old key is refused from now on and its publisher is kicked. */
  async putStreamKey(request: StreamKeyRequest): Promise<void> {
    await this.caller.call('billing', 'PUT', '/v1/stream-keys', request);
  }

  /** Sums over the whole ledger; `entriesSum` is '0' or the books are broken. */
  async getLedgerSummary(): Promise<LedgerSummaryReply> {
    return (await this.get('/v1/ledger/summary')) as LedgerSummaryReply;
  }
}

function toSessionView(reply: unknown): SessionView {
  const view = reply as SessionReply;
  return { ...view, chargedMilli: parseMilli(view.chargedMilli) };
}
