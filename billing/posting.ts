// Turns amounts into double entry: collects transfers, keeps the account sums beside them, writes
// both in few statements. Used by the settler and the finance commands inside their SQL
// transaction. Invariant: each transfer has one debit and one credit account, so all balances
// together are always 0.
import type { Sql, SqlValue } from './database.js';
import { bigintOf, textOf } from './database.js';
import { valuesInTurns, valuesText } from './rows.js';
import { shardOfWallet } from './shard.js';
import { Turns } from './turns.js';

/** Accounts by kind; the owner is a user id, a shard (`s07`), a campaign, `provider.EUR` or `-`. */
export type AccountKind =
  /** What the site owes a user in credits. */
  | 'wallet'
  /** What a user owes the site: below zero or 0. */
  | 'debt'
  /** What a model or a studio has earned and that has not ripened. */
  | 'earnings'
  /** Ripe earnings; payouts are taken from here. */
  | 'available'
  | 'in_flight'
  | 'paid_out'
  | 'payout_fees'
  /**
   * The site's part of charges, one account per shard, so that settlers do not wait for each other.
   */
  | 'site_revenue'
  /** Credits that expired, one account per shard. */
  | 'site_breakage'
  | 'site_promo'
  | 'site_adjustment'
  /** Refunds whose model share could not be taken back. */
  | 'site_loss'
  /** What is left of a campaign's budget. */
  | 'campaign'
  /** 0 after every refund. */
  | 'refund_clearing'
  /** Counterpart of all credits that were given. */
  | 'issuance'
  /** Fiat: money at the payment provider, money under dispute, what it was for. */
  | 'psp_clearing'
  | 'psp_dispute'
  | 'fiat_sales'
  | 'chargeback_loss';

export interface AccountName {
  readonly kind: AccountKind;
  readonly owner: string;
  /** Currency of fiat money; absent = credits. */
  readonly ledger?: string;
}

export const walletOf = (user: string): AccountName => ({ kind: 'wallet', owner: user });
export const earningsOf = (model: string): AccountName => ({ kind: 'earnings', owner: model });
export const siteRevenueOf = (shard: number): AccountName => ({
  kind: 'site_revenue',
  owner: `s${String(shard).padStart(2, '0')}`,
});
export const breakageOf = (shard: number): AccountName => ({
  ...siteRevenueOf(shard),
  kind: 'site_breakage',
});
export const debtOf = (user: string): AccountName => ({ kind: 'debt', owner: user });
export const siteAccount = (
  kind: 'issuance' | 'site_promo' | 'site_adjustment' | 'site_loss' | 'refund_clearing',
): AccountName => ({ kind, owner: '-' });
export const ISSUANCE: AccountName = siteAccount('issuance');

type Spend = 'show' | 'show_fee' | 'show_studio' | 'tip' | 'tip_fee' | 'tip_studio';
type Gift = 'grant' | 'purchase' | 'purchase_bonus' | 'promotion' | 'campaign_budget';
type Reversal = 'purchase_refund' | 'chargeback' | 'refund' | `refund_${'share' | 'fee' | 'loss'}`;
type Payout = 'ripe' | 'payout' | `payout_${'paid' | 'fee' | 'void' | 'return'}`;
type Fiat = `fiat_${'sale' | 'refund' | 'dispute' | 'dispute_won' | 'loss'}`;
export type TransferCode =
  Spend | Gift | Reversal | Payout | Fiat | 'debt' | 'breakage' | 'adjustment';

export interface TransferDraft {
  readonly code: TransferCode;
  readonly debit: AccountName;
  readonly credit: AccountName;
  readonly amount: bigint;
  readonly occurredMs: string;
  /** Where it came from in an outbox; the unique key is the second line against booking twice. */
  readonly outbox?: {
    readonly shard: number;
    readonly epoch: bigint;
    readonly seq: bigint;
    readonly idx: number;
  };
  readonly idemKey?: string;
  /** The show or the tip that it belongs to; the code says which. */
  readonly sessionId?: string;
  readonly actor?: string;
}

const ROWS_PER_STATEMENT = 1_000;
/** About 0.1 ms. */
const DRAFTS_PER_PIECE = 200;
/** Above all ids of accounts. */
const SHARED = 2 ** 52;

/**
 * Ids of accounts that are committed; they never change. For one process and a caller that posts
 * once per transaction: then what is found before its own inserts cannot be rolled back.
 */
export class AccountIds {
  private readonly ids = new Map<string, string>();

  get(key: string): string | undefined {
    return this.ids.get(key);
  }

  add(key: string, id: string): void {
    if (this.ids.size >= ACCOUNT_IDS_MAX) this.ids.clear();
    this.ids.set(key, id);
  }

  /** After any fault: the database may be another one now. */
  clear(): void {
    this.ids.clear();
  }
}

const ACCOUNT_IDS_MAX = 500_000;

/**
 * Books the drafts and moves the account sums. Drafts of amount 0 are dropped. Accounts are locked
 * wallets first, then by id, so that two transactions cannot wait for each other in a circle, and
 * those that many share last: all settlers move the sums of a model that many watch, while a
 * wallet belongs to one shard.
 * @param options `accounts` spares reading the ids of those that were met before; `turns` share the
 * thread with other long work
 * @returns number of transfers
 */
export async function post(
  sql: Sql,
  drafts: readonly TransferDraft[],
  bookedMs: number,
  options: { readonly accounts?: AccountIds; readonly turns?: Turns } = {},
): Promise<number> {
  const { accounts, turns = new Turns() } = options;
  const real = drafts.filter((draft) => draft.amount > 0n);
  if (real.length === 0) return 0;
  const { legs, sums } = await sumsOf(real, turns);
  const ids = await resolveIds(sql, sums, accounts);
  for (const sum of sums) {
    const id = ids.get(sum.key);
    if (id === undefined) throw new Error(`account ${sum.key} was not made`);
    sum.id = id;
    sum.turn = Number(id) + (sum.name.kind === 'wallet' ? 0 : SHARED);
  }
  const inTurn = [...sums].sort((a, b) => a.turn - b.turn);
  // What the settler books has neither: MySQL need not read 2 × NULL a row.
  const isNamed = real.some(({ idemKey, actor }) => idemKey !== undefined || actor !== undefined);
  for (const part of chunks(legs, ROWS_PER_STATEMENT)) {
    await sql.run(
      `INSERT INTO transfer (code, debit_account, credit_account, amount, shard, epoch, seq, idx,
         session_id, occurred_ms, booked_ms${isNamed ? ', idem_key, actor' : ''})
       VALUES ${await valuesInTurns(turns, part, (leg) => rowOf(leg, { bookedMs, isNamed }))}`,
    );
  }
  await moveSums(sql, inTurn, turns);
  return real.length;
}

function rowOf(
  { draft, debit, credit }: Leg,
  { bookedMs, isNamed }: { readonly bookedMs: number; readonly isNamed: boolean },
): SqlValue[] {
  const { code, amount, outbox, sessionId = null, occurredMs } = draft;
  const row = [code, debit.id, credit.id, amount, outbox?.shard ?? null, outbox?.epoch ?? null];
  row.push(outbox?.seq ?? null, outbox?.idx ?? null, sessionId, occurredMs, bookedMs);
  if (isNamed) row.push(draft.idemKey ?? null, draft.actor ?? null);
  return row;
}

interface Sum {
  readonly name: AccountName;
  readonly key: string;
  /** Both are known after resolveIds. */
  id: string;
  turn: number;
  debits: bigint;
  credits: bigint;
}

const keyOf = ({ kind, owner }: AccountName): string => `${kind}:${owner}`;

/** A draft with the sums that it moves. */
interface Leg {
  readonly draft: TransferDraft;
  readonly debit: Sum;
  readonly credit: Sum;
}

async function sumsOf(
  drafts: readonly TransferDraft[],
  turns: Turns,
): Promise<{ legs: readonly Leg[]; sums: readonly Sum[] }> {
  const sums: Sum[] = [];
  const byKind = new Map<AccountKind, Map<string, Sum>>();
  const of = (name: AccountName): Sum => {
    let byOwner = byKind.get(name.kind);
    if (byOwner === undefined) byKind.set(name.kind, (byOwner = new Map<string, Sum>()));
    const known = byOwner.get(name.owner);
    if (known !== undefined) return known;
    const sum = { name, key: keyOf(name), id: '', turn: 0, debits: 0n, credits: 0n };
    byOwner.set(name.owner, sum);
    sums.push(sum);
    return sum;
  };
  const legs: Leg[] = [];
  await turns.each(drafts, DRAFTS_PER_PIECE, (draft) => {
    const [debit, credit] = [of(draft.debit), of(draft.credit)];
    debit.debits += draft.amount;
    credit.credits += draft.amount;
    legs.push({ draft, debit, credit });
  });
  return { legs, sums };
}

/** Makes the accounts that are missing, with sums of 0. */
async function resolveIds(
  sql: Sql,
  sums: readonly Sum[],
  known: AccountIds | undefined,
): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  const unknown: AccountName[] = [];
  for (const { name, key } of sums) {
    const id = known?.get(key);
    if (id === undefined) unknown.push(name);
    else ids.set(key, id);
  }
  // In the order in which all make them: whose turn is later waits.
  unknown.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  for (const part of chunks(unknown, ROWS_PER_STATEMENT)) {
    for (const [key, id] of await readIds(sql, part)) {
      ids.set(key, id);
      known?.add(key, id);
    }
    const missing = part.filter((name) => !ids.has(keyOf(name)));
    if (missing.length === 0) continue;
    await sql.run(
      `INSERT INTO account (kind, owner_ref, shard, ledger) VALUES ?
       ON DUPLICATE KEY UPDATE kind = VALUES(kind)`,
      [missing.map(accountRow)],
    );
    for (const [key, id] of await readIds(sql, missing)) ids.set(key, id);
  }
  return ids;
}

async function readIds(
  sql: Sql,
  names: readonly AccountName[],
): Promise<readonly (readonly [string, string])[]> {
  const pairs = valuesText(names.map(({ kind, owner }) => [kind, owner]));
  const rows = await sql.query(
    `SELECT id, kind, owner_ref FROM account WHERE (kind, owner_ref) IN (${pairs})`,
  );
  return rows.map((row) => [
    `${textOf(row, 'kind')}:${textOf(row, 'owner_ref')}`,
    textOf(row, 'id'),
  ]);
}

/** By id. Refused (NULL in a column that has none) when an id belongs to another account. */
async function moveSums(sql: Sql, sums: readonly Sum[], turns: Turns): Promise<void> {
  const isSame = 'kind = VALUES(kind) AND owner_ref = VALUES(owner_ref)';
  for (const part of chunks(sums, ROWS_PER_STATEMENT)) {
    const values = await valuesInTurns(turns, part, ({ id, name, debits, credits }) => {
      return [id, name.kind, name.owner, debits, credits];
    });
    await sql.run(
      `INSERT INTO account (id, kind, owner_ref, debits, credits) VALUES ${values}
       ON DUPLICATE KEY UPDATE debits = IF(${isSame}, debits + VALUES(debits), NULL),
         credits = credits + VALUES(credits)`,
    );
  }
}

function accountRow(name: AccountName): [string, string, number | null, string] {
  const { kind, owner, ledger = 'credit' } = name;
  return [kind, owner, kind === 'wallet' ? shardOfWallet(owner) : null, ledger];
}

/** Locks an account row, making it first. `balance` is credits − debits. */
export async function lockAccount(
  sql: Sql,
  name: AccountName,
): Promise<{ id: string; debits: bigint; balance: bigint; cmdSeq: bigint }> {
  await sql.run(
    `INSERT INTO account (kind, owner_ref, shard, ledger) VALUES (?)
     ON DUPLICATE KEY UPDATE kind = VALUES(kind)`,
    [accountRow(name)],
  );
  const [row] = await sql.query(
    `SELECT id, debits, credits, cmd_seq FROM account WHERE kind = ? AND owner_ref = ? FOR UPDATE`,
    [name.kind, name.owner],
  );
  const debits = bigintOf(row, 'debits');
  return {
    id: textOf(row, 'id'),
    debits,
    balance: bigintOf(row, 'credits') - debits,
    cmdSeq: bigintOf(row, 'cmd_seq'),
  };
}

/**
 * Locks a wallet. Below zero: a command that Redis has not confirmed took more than there was.
 */
export function lockWallet(sql: Sql, user: string): ReturnType<typeof lockAccount> {
  return lockAccount(sql, walletOf(user));
}

export function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
