// Gives credits: SQL first (transfer and numbered wallet command in one transaction), then Redis
// by the number. Used by the API and by main, whose poller repeats what Redis has not confirmed.
// Invariant: a wallet's commands reach Redis in the order of their numbers, each once.
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, coerceError, type Logger } from '../cluster/index.js';
import { bigintOf, type Database, type Sql, textOf } from './database.js';
import type { Engine } from './engine.js';
import { appendCommand } from './finance/wallet-commands.js';
import { billingError } from './errors.js';
import type { BillingMetrics } from './metrics.js';
import { MILLI_MAX } from './money.js';
import { ISSUANCE, lockWallet, post, walletOf } from './posting.js';
import type { FundKind, WalletState } from './scripts.js';

export interface FundingCommand {
  /** Unique over all funding, with a prefix that says its kind: `grant:<key>`. */
  readonly idemKey: string;
  /** 16 hex digits over the request. */
  readonly fingerprint: string;
  readonly wallet: string;
  readonly amount: bigint;
  readonly reason: string;
  readonly actor: string;
}

export interface FunderOptions {
  readonly engine: Pick<Engine, 'fund' | 'readWallet'>;
  readonly database: Database;
  readonly metrics: BillingMetrics;
  readonly log: Logger;
  readonly clock: Clock;
  /** Told when a wallet has changed. */
  readonly onFunded: (wallet: string, state: WalletState) => void;
  /** Period of the safety net; default 1,000 ms. */
  readonly pollMs?: number;
}

const PENDING_PAGE = 200;
/** Each takes a second while its server is away; the next look goes on behind them. */
const FAILURES_MAX = 10;
/** The API applies at once; the poller leaves it that long. */
const POLL_AFTER_MS = 1_000;

export class Funder {
  private running: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  /** The last wallet of the page before; 0 = begin again. */
  private polledUpTo = '0';

  constructor(private readonly options: FunderOptions) {}

  start(): void {
    this.running ??= this.loop();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /**
   * Commits a grant and applies it. Idempotent by key.
   * @throws AppError BILLING_KEY_CONFLICT, BILLING_BALANCE_LIMIT, BILLING_UNAVAILABLE
   */
  async grant(command: FundingCommand): Promise<WalletState> {
    try {
      await this.options.database.transaction('READ COMMITTED', (sql) => this.commit(sql, command));
    } catch (thrown) {
      // The key is unique over all wallets: two calls at once with one key and two wallets.
      if ((thrown as { errno?: unknown }).errno === 1062)
        throw billingError('BILLING_KEY_CONFLICT');
      throw thrown;
    }
    return this.apply(command.wallet);
  }

  /** Applies all that SQL has for the wallet and Redis lacks, in order. */
  async apply(wallet: string): Promise<WalletState> {
    const { engine, database, onFunded } = this.options;
    const before = await engine.readWallet(wallet);
    const rows = await database.query(
      `SELECT cmd_seq, kind, amount, lot FROM wallet_command
       WHERE wallet = ? AND cmd_seq > ? ORDER BY cmd_seq`,
      [wallet, String(before.cmdSeq)],
    );
    let state: WalletState = before;
    for (const row of rows) {
      const lot = textOf(row, 'lot');
      const reply = await engine.fund({
        wallet,
        cmdSeq: bigintOf(row, 'cmd_seq'),
        kind: textOf(row, 'kind') as FundKind,
        amount: bigintOf(row, 'amount'),
        ...(lot === '' ? {} : { lot }),
      });
      if (reply.status !== 'APPLIED' && reply.status !== 'ALREADY') {
        throw billingError('BILLING_UNAVAILABLE', { store: `wallet command: ${reply.status}` });
      }
      state = reply.wallet;
    }
    if (rows.length > 0) onFunded(wallet, state);
    return state;
  }

  /**
   * Looks for commands that Redis has not confirmed, a page of wallets at a time, in turn. A wallet
   * that cannot be served (its server is away) keeps no other waiting.
   * @returns how many wallets were looked at
   */
  async poll(): Promise<number> {
    const { database, clock, metrics, log } = this.options;
    const untilMs = clock.nowMs() - POLL_AFTER_MS;
    const [oldest] = await database.query(
      'SELECT MIN(created_ms) AS at FROM wallet_command WHERE applied_ms IS NULL AND created_ms < ?',
      [untilMs],
    );
    const oldestMs = Number(oldest?.['at'] ?? clock.nowMs());
    metrics.pendingCommandSeconds.set((clock.nowMs() - oldestMs) / 1_000);
    const rows = await database.query(
      `SELECT DISTINCT wallet FROM wallet_command
       WHERE applied_ms IS NULL AND created_ms < ? AND wallet > ?
       ORDER BY wallet LIMIT ${PENDING_PAGE}`,
      [untilMs, this.polledUpTo],
    );
    this.polledUpTo = rows.length < PENDING_PAGE ? '0' : textOf(rows.at(-1), 'wallet');
    let failures = 0;
    for (const row of rows) {
      const wallet = textOf(row, 'wallet');
      try {
        await this.apply(wallet);
      } catch (thrown) {
        log.warn({ event: 'funder.wallet_waits', wallet, err: coerceError(thrown) });
        failures += 1;
        if (failures < FAILURES_MAX) continue;
        this.polledUpTo = wallet;
        break;
      }
    }
    return rows.length;
  }

  private async commit(sql: Sql, command: FundingCommand): Promise<void> {
    const { idemKey, fingerprint, wallet, amount, reason, actor } = command;
    // The account row is the lock: of two calls with one key the second sees the first one's
    // command.
    const { balance } = await lockWallet(sql, wallet);
    const [known] = await sql.query('SELECT fingerprint FROM wallet_command WHERE idem_key = ?', [
      idemKey,
    ]);
    if (known !== undefined) {
      if (textOf(known, 'fingerprint') !== fingerprint) throw billingError('BILLING_KEY_CONFLICT');
      return;
    }
    if (amount <= 0n) throw billingError('BILLING_AMOUNT_INVALID', { amount: String(amount) });
    if (balance + amount > MILLI_MAX) throw billingError('BILLING_BALANCE_LIMIT');
    const now = this.options.clock.nowMs();
    await appendCommand(sql, { ...command, kind: 'credit' }, now);
    const draft = { code: 'grant', debit: ISSUANCE, credit: walletOf(wallet) } as const;
    await post(sql, [{ ...draft, amount, occurredMs: String(now), idemKey, actor }], now);
    await sql.run('INSERT INTO audit (actor, action, subject, detail, at_ms) VALUES (?)', [
      [actor, 'grant', `wallet:${wallet}`, `${amount} milli-credits: ${reason}`, now],
    ]);
  }

  private async loop(): Promise<void> {
    const { log, pollMs = 1_000 } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.poll();
      } catch (thrown) {
        log.warn({ event: 'funder.poll_failed', err: coerceError(thrown) });
      }
      await delay(pollMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
