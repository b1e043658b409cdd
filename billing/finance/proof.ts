// What SQL says about debts and lots at an outbox position, for the comparison with a photograph of
// Redis. Used by reconcile.ts. Lots twice: what Redis was told (what commands up to the wallet's
// number gave, less what entries up to the position took), and what the lot's own row has left.
import { bigintOf, type Row, type Sql, textOf } from '../database.js';
import type { SnapshotWallet } from '../scripts.js';

export interface Position {
  readonly epoch: bigint;
  readonly seq: bigint;
}

const upTo = (table: string): string =>
  `(${table}.shard IS NULL OR ${table}.epoch < ? OR (${table}.epoch = ? AND ${table}.seq <= ?))`;

const values = ({ epoch, seq }: Position): string[] => [epoch, epoch, seq].map(String);

/** Each side by its own index: a join on both would read the whole table. */
const debtSide = (side: 'debit' | 'credit'): string =>
  `SELECT a.owner_ref, ${side === 'debit' ? '' : '-'}t.amount AS amount
   FROM account a JOIN transfer t ON t.${side}_account = a.id AND ${upTo('t')}
   WHERE a.kind = 'debt' AND a.owner_ref IN (?)`;

export async function debtsAt(
  sql: Sql,
  wallets: readonly SnapshotWallet[],
  at: Position,
): Promise<ReadonlyMap<string, bigint>> {
  if (wallets.length === 0) return new Map();
  const side = [...values(at), wallets.map((one) => one.wallet)];
  const rows = await sql.query(
    `SELECT owner_ref, SUM(amount) AS debt FROM
       (${debtSide('debit')} UNION ALL ${debtSide('credit')}) both_sides GROUP BY owner_ref`,
    [...side, ...side],
  );
  return new Map(rows.map((row) => [textOf(row, 'owner_ref'), bigintOf(row, 'debt')]));
}

/** Wallet → lot → milli-credits. */
export class LotAmounts {
  private readonly byWallet = new Map<string, Map<string, bigint>>();

  /** @param row with `wallet` and `lot` */
  add(row: Row, amount: bigint): void {
    const [wallet, lot] = [textOf(row, 'wallet'), textOf(row, 'lot')];
    const lots = this.byWallet.get(wallet) ?? new Map<string, bigint>();
    this.byWallet.set(wallet, lots.set(lot, (lots.get(lot) ?? 0n) + amount));
  }

  of(wallet: string): ReadonlyMap<string, bigint> {
    return this.byWallet.get(wallet) ?? new Map<string, bigint>();
  }
}

/** Lots that are used up stand with 0. */
export async function lotsAt(
  sql: Sql,
  wallets: readonly SnapshotWallet[],
  at: Position,
): Promise<LotAmounts> {
  const found = new LotAmounts();
  if (wallets.length === 0) return found;
  for (const row of await givenTo(sql, wallets, '<=')) found.add(row, bigintOf(row, 'amount'));
  const taken = await sql.query(
    `SELECT l.wallet, u.lot, SUM(u.amount) AS amount FROM lot l JOIN lot_use u ON u.lot = l.id
     WHERE l.wallet IN (?) AND u.kind IN ('spend', 'expire') AND ${upTo('u')}
     GROUP BY l.wallet, u.lot`,
    [wallets.map((one) => one.wallet), ...values(at)],
  );
  for (const row of taken) found.add(row, -bigintOf(row, 'amount'));
  return found;
}

/** Commands that give lots, up to the wallet's number or after it. */
async function givenTo(
  sql: Sql,
  wallets: readonly SnapshotWallet[],
  side: '<=' | '>',
): Promise<readonly Row[]> {
  const applied = new Map(wallets.map((one) => [one.wallet, one.cmdSeq]));
  const rows = await sql.query(
    `SELECT wallet, cmd_seq, amount, SUBSTRING_INDEX(lot, ' ', 1) AS lot FROM wallet_command
     WHERE kind = 'lot' AND wallet IN (?)`,
    [[...applied.keys()]],
  );
  return rows.filter((row) => {
    const isApplied = bigintOf(row, 'cmd_seq') <= (applied.get(textOf(row, 'wallet')) ?? 0n);
    return isApplied === (side === '<=');
  });
}

/**
 * What the rows of the lots have left, less what commands after the wallet's number gave, plus what
 * entries after the position took. Wallet → lot → milli-credits; what is not there is 0.
 * @param sql a transaction whose reads are of one instant
 */
export async function remaindersAt(
  sql: Sql,
  wallets: readonly SnapshotWallet[],
  at: Position,
): Promise<LotAmounts> {
  const found = new LotAmounts();
  if (wallets.length === 0) return found;
  const ids = wallets.map((one) => one.wallet);
  const open = await sql.query(
    'SELECT wallet, id AS lot, remaining AS amount FROM lot WHERE wallet IN (?) AND is_open = 1',
    [ids],
  );
  for (const row of open) found.add(row, bigintOf(row, 'amount'));
  const taken = await sql.query(
    `SELECT l.wallet, u.lot, SUM(u.amount) AS amount FROM lot l JOIN lot_use u ON u.lot = l.id
     WHERE l.wallet IN (?) AND (u.epoch > ? OR (u.epoch = ? AND u.seq > ?))
     GROUP BY l.wallet, u.lot`,
    [ids, ...values(at)],
  );
  for (const row of taken) found.add(row, bigintOf(row, 'amount'));
  for (const row of await givenTo(sql, wallets, '>')) found.add(row, -bigintOf(row, 'amount'));
  return found;
}

/** Lots whose remainder is not what was granted, less uses, plus what refunds put back. */
export async function brokenLots(
  sql: Sql,
): Promise<readonly { lot: string; kept: bigint; moved: bigint }[]> {
  const rows = await sql.query(
    `SELECT l.id, l.remaining AS kept, l.granted + COALESCE(SUM(CASE u.kind
         WHEN 'restore' THEN u.amount WHEN 'moved' THEN 0 ELSE -u.amount END), 0) AS moved
     FROM lot l LEFT JOIN lot_use u ON u.lot = l.id
     GROUP BY l.id, l.remaining, l.granted HAVING kept <> moved`,
  );
  return rows.map((row) => ({
    lot: `lot ${textOf(row, 'id')}`,
    kept: bigintOf(row, 'kept'),
    moved: bigintOf(row, 'moved'),
  }));
}
