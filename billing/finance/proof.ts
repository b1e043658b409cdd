// What SQL says about debts and lots at an outbox position, for the comparison with a photograph of
// Redis. Used by reconcile.ts. Lots: what commands up to the wallet's number gave, less what
// entries up to the position took.
import { bigintOf, type Sql, textOf } from '../database.js';
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

/** Wallet → lot → milli-credits; lots that are used up stand with 0. */
export async function lotsAt(
  sql: Sql,
  wallets: readonly SnapshotWallet[],
  at: Position,
): Promise<ReadonlyMap<string, ReadonlyMap<string, bigint>>> {
  const found = new Map<string, Map<string, bigint>>();
  if (wallets.length === 0) return found;
  const ids = wallets.map((one) => one.wallet);
  const applied = new Map(wallets.map((one) => [one.wallet, one.cmdSeq]));
  const add = (wallet: string, lot: string, amount: bigint): void => {
    const lots = found.get(wallet) ?? new Map<string, bigint>();
    found.set(wallet, lots.set(lot, (lots.get(lot) ?? 0n) + amount));
  };
  const given = await sql.query(
    `SELECT wallet, cmd_seq, amount, lot FROM wallet_command WHERE kind = 'lot' AND wallet IN (?)`,
    [ids],
  );
  for (const row of given) {
    const wallet = textOf(row, 'wallet');
    if (bigintOf(row, 'cmd_seq') > (applied.get(wallet) ?? 0n)) continue;
    add(wallet, textOf(row, 'lot').split(' ')[0] ?? '', bigintOf(row, 'amount'));
  }
  const taken = await sql.query(
    `SELECT l.wallet, u.lot, SUM(u.amount) AS amount FROM lot l JOIN lot_use u ON u.lot = l.id
     WHERE l.wallet IN (?) AND u.kind IN ('spend', 'expire') AND ${upTo('u')}
     GROUP BY l.wallet, u.lot`,
    [ids, ...values(at)],
  );
  for (const row of taken) add(textOf(row, 'wallet'), textOf(row, 'lot'), -bigintOf(row, 'amount'));
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
