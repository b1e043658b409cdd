// Where finance commands are carried out: one SQL transaction per key, with what was decided stored
// beside it, then the wallets that it touched are brought up to date in Redis. Used by all finance
// operations. Invariant: a key acts once, and what was refused stays refused (command-keys.ts).
import type { Clock, Config, Logger } from '../../cluster/index.js';
import type { Database, Sql } from '../database.js';
import type { Engine } from '../engine.js';
import { billingError } from '../errors.js';
import { fingerprint } from '../fingerprint.js';
import type { Funder } from '../funder.js';
import { post, type TransferDraft } from '../posting.js';
import type { WalletReply } from '../schema.js';
import { recordAudit } from './audit.js';
import { oncePerKey } from './command-keys.js';
import { appendCommand, type WalletCommand } from './wallet-commands.js';

export type FinanceSettings = Pick<
  Config['billing'],
  | 'refundWindowHours'
  | 'refundAutoMaxMilli'
  | 'refundLotDays'
  | 'adjustAutoMaxMilli'
  | 'earningsHoldDays'
  | 'payoutMinimumMilli'
  | 'payoutFeeMilli'
>;

export interface DeskOptions {
  readonly database: Database;
  readonly engine: Pick<Engine, 'readWallet' | 'readLots' | 'expireLots'>;
  readonly funder: Pick<Funder, 'apply'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly settings: FinanceSettings;
  /** Ends the open shows of a wallet that was frozen. */
  readonly endSession?: (sessionId: string) => Promise<unknown>;
}

export interface KeyedCommand {
  /** Who acts; `system` for what nobody asked for. */
  readonly actor: string;
  /** Kind and key: `refund:<key>`. */
  readonly idemKey: string;
  /** Everything that makes the body; absent parts count. */
  readonly parts: readonly (string | number | undefined)[];
}

/** A transfer of the command: its time and actor are those of the booking. */
export type Draft = Omit<TransferDraft, 'occurredMs' | 'actor'>;

/** One transaction under way. */
export class Booking {
  constructor(
    readonly sql: Sql,
    readonly nowMs: number,
    readonly command: KeyedCommand,
    readonly fingerprint: string,
  ) {}

  /** Drafts happen now and by the actor of the command. */
  async post(...drafts: readonly Draft[]): Promise<void> {
    const { actor } = this.command;
    const full = drafts.map((one) => ({ ...one, occurredMs: String(this.nowMs), actor }));
    await post(this.sql, full, this.nowMs);
  }

  /** @param part tells the commands of one key apart */
  async tell(
    part: string,
    command: Pick<WalletCommand, 'wallet' | 'kind' | 'amount' | 'lot' | 'reason'>,
  ): Promise<void> {
    await appendCommand(this.sql, { ...command, ...this.identity(part) }, this.nowMs);
  }

  identity(part: string): Pick<WalletCommand, 'idemKey' | 'fingerprint' | 'actor'> {
    const { idemKey, actor } = this.command;
    return { idemKey: `${idemKey}:${part}`, fingerprint: this.fingerprint, actor };
  }

  async audit(action: string, subject: string, detail: string): Promise<void> {
    const { actor } = this.command;
    await recordAudit(this.sql, { actor, action, subject, detail, atMs: this.nowMs });
  }
}

export class Desk {
  constructor(readonly options: DeskOptions) {}

  get database(): Database {
    return this.options.database;
  }

  get settings(): FinanceSettings {
    return this.options.settings;
  }

  nowMs(): number {
    return this.options.clock.nowMs();
  }

  /** As `oncePerKey`, with the booking of the command. */
  async once<T extends object>(
    command: KeyedCommand,
    work: (booking: Booking) => Promise<T>,
  ): Promise<T> {
    const { idemKey, parts } = command;
    const print = fingerprint(parts.map((part) => JSON.stringify(part ?? null)));
    const nowMs = this.nowMs();
    return oncePerKey(this.database, { idemKey, fingerprint: print, nowMs }, (sql) =>
      work(new Booking(sql, nowMs, command, print)),
    );
  }

  /** A step that its own state makes safe to repeat. */
  async step<T>(
    command: Omit<KeyedCommand, 'parts'>,
    work: (booking: Booking) => Promise<T>,
  ): Promise<T> {
    const now = this.nowMs();
    const print = fingerprint([command.idemKey]);
    return this.options.database.transaction('READ COMMITTED', (sql) =>
      work(new Booking(sql, now, { ...command, parts: [] }, print)),
    );
  }

  /** Brings Redis up to date. @throws AppError: the command is booked; the same key goes on here */
  async settle(wallet: string): Promise<WalletReply> {
    const { owned, held, version } = await this.options.funder.apply(wallet);
    return { balance: String(owned), held: String(held), version };
  }
}

export function unknown(what: string, id: string): Error {
  return billingError('BILLING_SUBJECT_UNKNOWN', { what, id: id.slice(0, 100) });
}

export function conflict(what: string, state: string): Error {
  return billingError('BILLING_STATE_CONFLICT', { what, state });
}
