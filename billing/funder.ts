// Gives credits: SQL first (transfer and numbered wallet command in one transaction), then Redis
// by the number. Used by the API and by main, whose poller repeats what Redis has not confirmed.
// Invariant: a wallet's commands reach Redis in the order of their numbers, each once.
import { setTimeout as delay } from 'node:timers/promises';
import { AppError, type Clock, coerceError, type Logger } from '../cluster/index.js';
import { bigintOf, type Database, type Sql, textOf } from './database.js';
import type { Engine } from './engine.js';
import { recordAudit } from './finance/audit.js';
import { oncePerKey } from './finance/command-keys.js';
import { appendCommand } from './finance/wallet-commands.js';
import { billingError } from './errors.js';
import type { BillingMetrics } from './metrics.js';
import { MILLI_MAX } from './money.js';
import { ISSUANCE, lockWallet, post, walletOf } from './posting.js';
import type { FundKind, WalletState } from './scripts.js';
import { byShard } from './shard.js';

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
/** The API applies at once; the poller leaves it that long. */
const POLL_AFTER_MS = 1_000;

export class Funder {
  private running: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  /** The last wallet of the page before; 0 = begin again. */
  private polledUpTo = '0';
  /** What is being applied, by shard. */
  private readonly serving = new Map<number, Promise<void>>();

  constructor(private readonly options: FunderOptions) {}

  start(): void {
    this.running ??= this.loop();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await Promise.all(this.serving.values());
  }

  /**
   * Commits a grant and applies it. Idempotent by key.
   * @throws AppError BILLING_KEY_CONFLICT, BILLING_BALANCE_LIMIT, BILLING_UNAVAILABLE
   */
  async grant(command: FundingCommand): Promise<WalletState> {
    const { database, clock } = this.options;
    if (!(await this.isCommitted(command))) {
      const nowMs = clock.nowMs();
      try {
        await oncePerKey(database, { ...command, nowMs }, (sql) =>
          this.commit(sql, command, nowMs),
        );
      } catch (thrown) {
        // A build that knows no refusals has committed it just now.
        if ((thrown as { errno?: unknown }).errno === 1062)
          throw billingError('BILLING_KEY_CONFLICT');
        throw thrown;
      }
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
   * Looks for commands that Redis has not confirmed, a page of wallets at a time, in turn, and
   * applies them, all shards at once. A wallet or shard that cannot be served keeps no other
   * waiting.
   */
  async poll(): Promise<void> {
    await this.look();
    await Promise.all(this.serving.values());
  }

  /** Begins what it finds. A shard that is being served still is left out. */
  private async look(): Promise<void> {
    const { database, clock, metrics } = this.options;
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
    for (const [shard, wallets] of byShard(rows.map((row) => textOf(row, 'wallet')))) {
      if (this.serving.has(shard)) continue;
      const work = this.serve(wallets).finally(() => this.serving.delete(shard));
      this.serving.set(shard, work);
    }
  }

  /** Wallets of one shard. When its server is away the rest of them need not be tried. */
  private async serve(wallets: readonly string[]): Promise<void> {
    for (const wallet of wallets) {
      try {
        await this.apply(wallet);
      } catch (thrown) {
        this.options.log.warn({ event: 'funder.wallet_waits', wallet, err: coerceError(thrown) });
        if (thrown instanceof AppError && thrown.details['store'] === 'Redis') return;
      }
    }
  }

  /** Commands of older builds have no row of their key, only themselves. */
  private async isCommitted({ idemKey, fingerprint }: FundingCommand): Promise<boolean> {
    const [known] = await this.options.database.query(
      'SELECT fingerprint FROM wallet_command WHERE idem_key = ?',
      [idemKey],
    );
    if (known === undefined) return false;
    if (textOf(known, 'fingerprint') !== fingerprint) throw billingError('BILLING_KEY_CONFLICT');
    return true;
  }

  private async commit(sql: Sql, command: FundingCommand, now: number): Promise<object> {
    const { idemKey, wallet, amount, reason, actor } = command;
    const { balance } = await lockWallet(sql, wallet);
    if (amount <= 0n) throw billingError('BILLING_AMOUNT_INVALID', { amount: String(amount) });
    if (balance + amount > MILLI_MAX) throw billingError('BILLING_BALANCE_LIMIT');
    await appendCommand(sql, { ...command, kind: 'credit' }, now);
    const draft = { code: 'grant', debit: ISSUANCE, credit: walletOf(wallet) } as const;
    await post(sql, [{ ...draft, amount, occurredMs: String(now), idemKey, actor }], now);
    const detail = `${amount} milli-credits: ${reason}`;
    await recordAudit(sql, {
      actor,
      action: 'grant',
      subject: `wallet:${wallet}`,
      detail,
      atMs: now,
    });
    return {};
  }

  private async loop(): Promise<void> {
    const { log, pollMs = 1_000 } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (thrown) {
        log.warn({ event: 'funder.poll_failed', err: coerceError(thrown) });
      }
      await delay(pollMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
