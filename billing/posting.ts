// Turns amounts into double entry: collects transfers, keeps the account sums beside them, writes
// both in few statements. Used by the settler and the finance commands inside their SQL
// transaction. Invariant: each transfer has one debit and one credit account, so all balances
// together are always 0.
import type { Sql } from './database.js';
import { bigintOf, textOf } from './database.js';
import { shardOfWallet } from './shard.js';

/** Accounts by kind; the owner is a user id, a shard (`s07`) or `-`. */
export type AccountKind =
  /** What the site owes a user in credits. */
  | 'wallet'
  /** What a model has earned and was not paid. */
  | 'earnings'
  /**
   * The site's part of charges, one account per shard, so that settlers do not wait for each other.
   */
  | 'site_revenue'
  /** Counterpart of all credits that were given. */
  | 'issuance';

export interface AccountName {
  readonly kind: AccountKind;
  readonly owner: string;
}

export const walletOf = (user: string): AccountName => ({ kind: 'wallet', owner: user });
export const earningsOf = (model: string): AccountName => ({ kind: 'earnings', owner: model });
export const siteRevenueOf = (shard: number): AccountName => ({
  kind: 'site_revenue',
  owner: `s${String(shard).padStart(2, '0')}`,
});
export const ISSUANCE: AccountName = { kind: 'issuance', owner: '-' };

export interface TransferDraft {
  readonly code: 'show' | 'show_fee' | 'tip' | 'tip_fee' | 'grant';
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
  readonly sessionId?: string;
  readonly actor?: string;
}

const ROWS_PER_STATEMENT = 500;

/**
 * Books the drafts and moves the account sums. Drafts of amount 0 are dropped. Accounts are locked
 * in (kind, owner) order, so that two transactions cannot wait for each other in a circle.
 * @returns number of transfers
 */
export async function post(
  sql: Sql,
  drafts: readonly TransferDraft[],
  bookedMs: number,
): Promise<number> {
  const real = drafts.filter((draft) => draft.amount > 0n);
  if (real.length === 0) return 0;
  const ids = await moveSums(sql, real);
  const idOf = (name: AccountName): string => {
    const id = ids.get(`${name.kind}:${name.owner}`);
    if (id === undefined) throw new Error(`account ${name.kind}:${name.owner} was not made`);
    return id;
  };
  const rows = real.map((draft) => [
    draft.code,
    idOf(draft.debit),
    idOf(draft.credit),
    String(draft.amount),
    draft.outbox?.shard ?? null,
    draft.outbox === undefined ? null : String(draft.outbox.epoch),
    draft.outbox === undefined ? null : String(draft.outbox.seq),
    draft.outbox?.idx ?? null,
    draft.idemKey ?? null,
    draft.sessionId ?? null,
    draft.actor ?? null,
    draft.occurredMs,
    bookedMs,
  ]);
  for (const part of chunks(rows, ROWS_PER_STATEMENT)) {
    await sql.run(
      `INSERT INTO transfer (code, debit_account, credit_account, amount, shard, epoch, seq, idx,
         idem_key, session_id, actor, occurred_ms, booked_ms) VALUES ?`,
      [part],
    );
  }
  return real.length;
}

/** Upserts debits and credits of every account that is touched; answers their ids. */
async function moveSums(
  sql: Sql,
  drafts: readonly TransferDraft[],
): Promise<ReadonlyMap<string, string>> {
  const sums = new Map<string, { name: AccountName; debits: bigint; credits: bigint }>();
  const add = (name: AccountName, debits: bigint, credits: bigint): void => {
    const key = `${name.kind}:${name.owner}`;
    const sum = sums.get(key) ?? { name, debits: 0n, credits: 0n };
    sums.set(key, { name, debits: sum.debits + debits, credits: sum.credits + credits });
  };
  for (const { debit, credit, amount } of drafts) {
    add(debit, amount, 0n);
    add(credit, 0n, amount);
  }
  const sorted = [...sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
  const ids = new Map<string, string>();
  for (const part of chunks(sorted, ROWS_PER_STATEMENT)) {
    await sql.run(
      `INSERT INTO account (kind, owner_ref, shard, debits, credits) VALUES ?
       ON DUPLICATE KEY UPDATE debits = debits + VALUES(debits), credits = credits + VALUES(credits)`,
      [part.map((s) => [...accountRow(s.name), String(s.debits), String(s.credits)])],
    );
    const found = await sql.query(
      'SELECT id, kind, owner_ref FROM account WHERE (kind, owner_ref) IN (?)',
      [part.map((s) => [s.name.kind, s.name.owner])],
    );
    for (const row of found) {
      ids.set(`${textOf(row, 'kind')}:${textOf(row, 'owner_ref')}`, textOf(row, 'id'));
    }
  }
  return ids;
}

function accountRow({ kind, owner }: AccountName): [string, string, number | null] {
  return [kind, owner, kind === 'wallet' ? shardOfWallet(owner) : null];
}

/**
 * Locks a wallet's account row, making it first. `balance` is credits − debits: below zero is debt.
 */
export async function lockWallet(
  sql: Sql,
  user: string,
): Promise<{ balance: bigint; cmdSeq: bigint }> {
  await sql.run(
    `INSERT INTO account (kind, owner_ref, shard) VALUES (?)
     ON DUPLICATE KEY UPDATE kind = VALUES(kind)`,
    [accountRow(walletOf(user))],
  );
  const [row] = await sql.query(
    `SELECT debits, credits, cmd_seq FROM account WHERE kind = 'wallet' AND owner_ref = ? FOR UPDATE`,
    [user],
  );
  return {
    balance: bigintOf(row, 'credits') - bigintOf(row, 'debits'),
    cmdSeq: bigintOf(row, 'cmd_seq'),
  };
}

export function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
