// Numbered commands from SQL to Redis, and the lots that some of them give. Used by the funder and
// by all finance operations inside their SQL transaction. Invariant: a wallet's commands are
// numbered without a gap under the lock of its account row, in the transaction of their transfers.
import { bigintOf, type Sql, textOf } from '../database.js';
import { billingError } from '../errors.js';
import { MILLI_MAX } from '../money.js';
import { type AccountName, lockWallet, post, type TransferCode, walletOf } from '../posting.js';
import type { FundKind } from '../scripts.js';
import { shardOfWallet } from '../shard.js';

export interface WalletCommand {
  readonly wallet: string;
  readonly kind: FundKind;
  /** 0 for end-lot, freeze and unfreeze. */
  readonly amount: bigint;
  /** `id expires priority scope` for lot and end-lot. */
  readonly lot?: string;
  /** Unique over all commands. */
  readonly idemKey: string;
  readonly fingerprint: string;
  readonly reason: string;
  readonly actor: string;
}

/** A viewer may have that many open lots; Redis reads all of them at each charge. */
export const LOTS_MAX = 64;

export const SCOPES = ['any', 'shows'] as const;
export type Scope = (typeof SCOPES)[number];

export async function appendCommand(
  sql: Sql,
  command: WalletCommand,
  nowMs: number,
): Promise<void> {
  const { wallet, kind, amount, lot, idemKey, fingerprint, reason, actor } = command;
  const { cmdSeq } = await lockWallet(sql, wallet);
  const next = String(cmdSeq + 1n);
  await sql.run(
    `INSERT INTO wallet_command (wallet, cmd_seq, shard, kind, amount, lot, idem_key, fingerprint,
       reason, actor, created_ms) VALUES (?)`,
    [
      [
        ...[wallet, next, shardOfWallet(wallet), kind, String(amount), lot ?? null],
        ...[idemKey, fingerprint, reason.slice(0, 200), actor, nowMs],
      ],
    ],
  );
  await sql.run(`UPDATE account SET cmd_seq = ? WHERE kind = 'wallet' AND owner_ref = ?`, [
    next,
    wallet,
  ]);
}

/** @throws AppError BILLING_BALANCE_LIMIT when the wallet would have more than 9e12 */
export async function checkRoom(sql: Sql, wallet: string, amount: bigint): Promise<void> {
  const { balance } = await lockWallet(sql, wallet);
  if (balance + amount > MILLI_MAX) throw billingError('BILLING_BALANCE_LIMIT');
}

/** What of a wallet is no lot, as SQL knows it: at most a minute of charges behind. */
export async function cashOf(sql: Sql, wallet: string): Promise<bigint> {
  const { balance } = await lockWallet(sql, wallet);
  const [row] = await sql.query(
    'SELECT COALESCE(SUM(remaining), 0) AS lots FROM lot WHERE wallet = ? AND is_open = 1',
    [wallet],
  );
  return balance - bigintOf(row, 'lots');
}

export interface NewLot {
  readonly wallet: string;
  readonly kind: 'purchase' | 'campaign' | 'refund';
  readonly sourceRef: string;
  readonly amount: bigint;
  /** Unix ms; 0 = never. */
  readonly expiresMs: number;
  readonly priority: number;
  readonly scope: number;
  readonly paysPerformer: boolean;
}

export async function openLots(sql: Sql, wallet: string): Promise<number> {
  await lockWallet(sql, wallet);
  const [row] = await sql.query(
    'SELECT COUNT(*) AS lots FROM lot WHERE wallet = ? AND is_open = 1',
    [wallet],
  );
  return Number(row?.['lots']);
}

/** @returns the lot's id and its form for the command */
export async function insertLot(
  sql: Sql,
  lot: NewLot,
  nowMs: number,
): Promise<{ id: string; text: string }> {
  const { wallet, kind, sourceRef, amount, expiresMs, priority, scope, paysPerformer } = lot;
  await sql.run(
    `INSERT INTO lot (wallet, shard, kind, source_ref, priority, scope, pays_performer, granted,
       remaining, expires_ms, created_ms) VALUES (?)`,
    [
      [
        ...[wallet, shardOfWallet(wallet), kind, sourceRef, priority, scope, paysPerformer ? 1 : 0],
        ...[String(amount), String(amount), expiresMs, nowMs],
      ],
    ],
  );
  const id = await insertedId(sql);
  return { id, text: `${id} ${expiresMs} ${priority} ${scope}` };
}

/** Id that the connection's last INSERT was given. */
export async function insertedId(sql: Sql): Promise<string> {
  const [row] = await sql.query('SELECT LAST_INSERT_ID() AS id');
  return textOf(row, 'id');
}

export interface LotGrant extends NewLot {
  readonly from: AccountName;
  readonly code: TransferCode;
  readonly idemKey: string;
  readonly fingerprint: string;
  readonly reason: string;
  readonly actor: string;
}

/** Lot, command and transfer. @returns the lot's id */
export async function grantLot(sql: Sql, grant: LotGrant, nowMs: number): Promise<string> {
  const { wallet, amount, from, code, idemKey, fingerprint, reason, actor } = grant;
  await checkRoom(sql, wallet, amount);
  const { id, text } = await insertLot(sql, grant, nowMs);
  const who = { idemKey, fingerprint, reason, actor };
  await appendCommand(sql, { wallet, kind: 'lot', amount, lot: text, ...who }, nowMs);
  const draft = { code, debit: from, credit: walletOf(wallet), amount, idemKey, actor };
  await post(sql, [{ ...draft, occurredMs: String(nowMs) }], nowMs);
  return id;
}
