// What the internal API and the hooks ask of billing, in the words of the business: open, touch,
// end, tip, grant, terms. Joins engine, terms, funder and announcer; knows neither HTTP nor SQL
// statements.
import type { Clock, Config, TokenService } from '../cluster/index.js';
import type { Announcer } from './announcer.js';
import type { Database } from './database.js';
import type { Engine } from './engine.js';
import { BILLING_ERRORS, billingError, type BillingErrorCode } from './errors.js';
import { fingerprint } from './fingerprint.js';
import type { Funder } from './funder.js';
import { LimitStore } from './limits.js';
import type { BillingMetrics } from './metrics.js';
import { parseMilli } from './money.js';
import { tariffOf } from './price.js';
import type { Publishers } from './publishers.js';
import type * as wire from './schema.js';
import type { TouchRow, TouchSource, WalletState } from './scripts.js';
import { newSessionId, shardOfWallet, ulidTimeMs } from './shard.js';
import { tariffText } from './tariff.js';
import { isFree, type RoomTerms, type TermsStore } from './terms.js';
import { TouchQueue } from './touch-queue.js';

export interface BillingServiceOptions {
  readonly engine: Engine;
  readonly database: Database;
  readonly terms: TermsStore;
  readonly funder: Funder;
  readonly publishers: Publishers;
  readonly announcer: Announcer;
  readonly tokens: TokenService;
  readonly metrics: BillingMetrics;
  readonly clock: Clock;
  readonly settings: Pick<Config['billing'], 'modelShareBps' | 'tipMaxMilli'>;
}

/** A viewer must be able to pay for this much to get in. */
const ENTRY_MS = 1_000;
const PLAY_TOKEN_TTL_SEC = 86_400;
const KEY_AGE_MAX_MS = 23 * 3_600_000;
const KEY_AHEAD_MAX_MS = 10 * 60_000;

const SOURCES: Readonly<Record<wire.TouchItem['source'], TouchSource>> = {
  gateway: 'g',
  hls: 'h',
  rtmp: 'r',
};

export class BillingService {
  readonly touches: TouchQueue;
  readonly limits: LimitStore;

  constructor(private readonly options: BillingServiceOptions) {
    const { engine } = options;
    this.limits = new LimitStore(options);
    this.touches = new TouchQueue({ engine, onRow: (row) => this.afterTouch(row) });
  }

  /**
   * @throws AppError BILLING_INSUFFICIENT_CREDIT, BILLING_NOT_PAID_ROOM, BILLING_SELF_PAYMENT, …
   */
  async open({ viewerId, roomId, key }: wire.OpenRequest): Promise<wire.OpenReply> {
    const { engine, tokens, settings, clock, announcer } = this.options;
    const terms = await this.payeeTerms(roomId, viewerId);
    if (isFree(terms)) throw billingError('BILLING_NOT_PAID_ROOM', { room: roomId });
    this.checkKeyAge(key);
    const reply = await engine.open({
      sessionId: newSessionId(shardOfWallet(viewerId), clock.nowMs()),
      wallet: viewerId,
      room: roomId,
      payee: terms.performerId,
      tariff: tariffText({ ...terms.tariff, shareBps: settings.modelShareBps }),
      termsVersion: terms.version,
      entryMs: ENTRY_MS,
      key,
      fingerprint: fingerprint(['open', viewerId, roomId]),
    });
    throwUnlessOk(reply.status);
    if (!reply.isDuplicate) announcer.balance(viewerId, reply.wallet);
    const claims = { sub: viewerId, room: roomId, bill: reply.sessionId };
    return {
      sessionId: reply.sessionId,
      roomId,
      priceMilliPerMin: String(reply.price),
      balance: String(reply.wallet.owned),
      grantedUntilMs: reply.grantedUntilMs,
      playToken: tokens.sign('play', claims, PLAY_TOKEN_TTL_SEC),
      duplicate: reply.isDuplicate,
    };
  }

  async touch(items: readonly wire.TouchItem[]): Promise<{ items: wire.TouchResult[] }> {
    const rows = await Promise.all(
      items.map(({ sessionId, source }) => this.touches.touch(sessionId, SOURCES[source])),
    );
    return { items: rows.map(toTouchResult) };
  }

  async end({ sessionId, reason }: wire.EndRequest): Promise<wire.SessionReply> {
    const { engine, announcer } = this.options;
    const ended = await engine.end(sessionId, reason);
    const { wallet, room } = ended;
    if (!ended.wasEnded) {
      announcer.balance(wallet, ended);
      if (reason !== 'left') announcer.cut({ ...ended, sessionId, wallet, room }, 'cut');
    }
    return {
      ...{ sessionId, viewerId: wallet, roomId: room, state: 'ended', reason: ended.reason },
      chargedMilli: String(ended.charged),
      billableMs: ended.billMs,
      openedMs: ended.openedMs,
    };
  }

  async session(sessionId: string): Promise<wire.SessionReply> {
    const found = await this.options.engine.readSession(sessionId);
    return {
      ...{ sessionId, viewerId: found.wallet, roomId: found.room },
      state: found.isActive ? 'active' : 'ended',
      ...(found.reason === undefined ? {} : { reason: found.reason }),
      chargedMilli: String(found.charged),
      billableMs: found.billMs,
      openedMs: found.openedMs,
    };
  }

  /** Announces in the room also on a repeat: the first announcement may have been lost. */
  async tip(request: wire.TipRequest): Promise<wire.TipReply> {
    const { engine, announcer, settings, clock } = this.options;
    const { key, viewerId, viewerName, roomId, text, note } = request;
    const amount = parseMilli(request.amountMilli);
    if (amount === 0n) throw billingError('BILLING_AMOUNT_INVALID', { amount: '0' });
    if (amount > BigInt(settings.tipMaxMilli)) {
      throw billingError('BILLING_TIP_LIMIT', { max: settings.tipMaxMilli });
    }
    this.checkKeyAge(key);
    const terms = await this.payeeTerms(roomId, viewerId);
    const reply = await engine.tip({
      wallet: viewerId,
      room: roomId,
      payee: terms.performerId,
      amount,
      bps: settings.modelShareBps,
      tipId: newSessionId(shardOfWallet(viewerId), clock.nowMs()),
      key,
      fingerprint: fingerprint([
        ...['tip', viewerId, roomId, request.amountMilli, text ?? ''],
        ...(note === undefined ? [] : [note]),
      ]),
    });
    throwUnlessOk(reply.status);
    announcer.balance(viewerId, reply.wallet);
    const from = { id: viewerId, name: viewerName };
    announcer.tip(roomId, { key, from, amount, ...(text === undefined ? {} : { text }) });
    if (note !== undefined && note !== '') {
      announcer.tipNote(terms.performerId, { key, from, amount, text: note, roomId });
    }
    const { tipId, isDuplicate: duplicate, wallet } = reply;
    return { tipId, balance: String(wallet.owned), duplicate };
  }

  async wallet(userId: string): Promise<wire.WalletReply> {
    return toWalletReply(await this.options.engine.readWallet(userId));
  }

  async grant(request: wire.GrantRequest): Promise<wire.WalletReply> {
    const { key, userId, amountMilli, reason, actor } = request;
    const state = await this.options.funder.grant({
      idemKey: `grant:${key}`,
      fingerprint: fingerprint(['grant', userId, amountMilli, reason]),
      wallet: userId,
      amount: parseMilli(amountMilli),
      ...{ reason, actor },
    });
    return toWalletReply(state);
  }

  async putRoom(roomId: string, request: wire.RoomTermsRequest): Promise<void> {
    const { terms, publishers, announcer } = this.options;
    const { performerId, streamId, isActive } = request;
    const priceMilliPerMin = parseMilli(request.priceMilliPerMin);
    const tariff = tariffOf(priceMilliPerMin, request.tariff);
    const { before, after } = await terms.putRoom({
      ...{ roomId, performerId, streamId, priceMilliPerMin, isActive, tariff },
    });
    announcer.termsChanged();
    if (!isActive) {
      await publishers.endRoom(roomId, 'room_closed');
      return;
    }
    const isOther = before !== undefined && tariffText(before.tariff) !== tariffText(tariff);
    await this.reprice(after, isOther);
    await publishers.tellStream(streamId);
  }

  /**
   * Also when the price is as it was: the call before may have reached some shards only.
   * @param isNew shards remember it for whoever opens with the old price in hand
   */
  private async reprice({ roomId, tariff, version }: RoomTerms, isNew: boolean): Promise<void> {
    const { engine, announcer, settings } = this.options;
    const text = tariffText({ ...tariff, shareBps: settings.modelShareBps });
    const args = { room: roomId, tariff: text, version: isNew ? version : 0 };
    const { model, price, unitMs } = tariff;
    for (const { wallet, reason, ...state } of await engine.setTariff(args)) {
      const { sessionId } = state;
      if (reason !== undefined) announcer.cut({ ...state, wallet, room: roomId, reason }, 'cut');
      else announcer.priceChanged(wallet, { sessionId, roomId, model, price, unitMs, version });
    }
  }

  async putShowLimit(roomId: string, { maxSec }: wire.ShowLimitRequest): Promise<void> {
    const { terms, announcer } = this.options;
    await terms.putShowLimit(roomId, maxSec === null ? undefined : maxSec * 1_000);
    announcer.termsChanged();
  }

  async putStreamKey(request: wire.StreamKeyRequest): Promise<void> {
    const { terms, announcer } = this.options;
    const isNew = await terms.putKey(request);
    if (!isNew) return;
    announcer.termsChanged();
    announcer.kick({ streamId: request.streamId, reason: 'key_replaced' });
  }

  private async payeeTerms(roomId: string, payerId: string): Promise<RoomTerms> {
    const terms = await this.options.terms.byRoom(roomId);
    if (terms === undefined) throw billingError('BILLING_ROOM_UNKNOWN', { room: roomId });
    if (!terms.isActive) throw billingError('BILLING_ROOM_CLOSED', { room: roomId });
    if (terms.performerId === payerId) throw billingError('BILLING_SELF_PAYMENT');
    return terms;
  }

  /** Keys are remembered for a day. One that says when it was made is refused when it is older. */
  private checkKeyAge(key: string): void {
    const madeMs = ulidTimeMs(key);
    if (madeMs === undefined) return;
    const ageMs = this.options.clock.nowMs() - madeMs;
    if (ageMs > KEY_AGE_MAX_MS || ageMs < -KEY_AHEAD_MAX_MS)
      throw billingError('BILLING_KEY_EXPIRED');
  }

  private afterTouch(row: TouchRow): void {
    const { announcer, metrics } = this.options;
    metrics.touches.inc({ verdict: row.verdict });
    // Who was cut and is still there watches free of charge, but somebody must know.
    if (row.verdict === 'ended' && row.reason !== 'left') {
      metrics.cutOverrunSeconds.observe(row.overMs / 1_000);
    }
    if (row.verdict === 'unknown' || row.verdict === 'ended') return;
    if (row.verdict === 'cut' && row.reason !== undefined) {
      announcer.cut({ ...row, reason: row.reason }, 'cut');
      return;
    }
    announcer.balance(row.wallet, row);
    if (row.crossed > 0) announcer.lowBalance(row);
  }
}

function throwUnlessOk(status: string): void {
  if (status === 'OK') return;
  if (!(status in BILLING_ERRORS)) throw new Error(`script answered ${status}`);
  throw billingError(status as BillingErrorCode);
}

function toTouchResult({ sessionId, verdict, leftMs, reason }: TouchRow): wire.TouchResult {
  return {
    ...{ sessionId, verdict },
    ...(leftMs >= 0 && verdict === 'warn' ? { secondsLeft: Math.floor(leftMs / 1_000) } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
}

function toWalletReply({ owned, held, version }: WalletState): wire.WalletReply {
  return { balance: String(owned), held: String(held), version };
}
