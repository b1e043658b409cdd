// Both journals of one wallet side by side: what the ledger has booked and what Redis holds now,
// with the outbox entries between them. Used by the CLI when reconciliation has found a difference.
import type { RedisClient } from '../cluster/index.js';
import { bigintOf, type Database, textOf } from './database.js';
import type { Engine } from './engine.js';
import { formatCredits } from './money.js';
import { parseOutbox, readOutbox } from './outbox.js';
import { readCursors } from './settler.js';
import { shardOfWallet } from './shard.js';

export interface DrillOptions {
  readonly engine: Pick<Engine, 'readWallet' | 'snapshot'>;
  readonly redis: RedisClient;
  readonly database: Database;
}

const ENTRIES_MAX = 1_000;

/** Each side by its own index. */
const sideOf = (side: 'debit' | 'credit'): string =>
  `SELECT t.id, t.code, t.session_id, t.epoch, t.seq, t.idem_key, t.booked_ms,
     ${side === 'debit' ? '-' : ''}t.amount AS amount
   FROM account a JOIN transfer t ON t.${side}_account = a.id
   WHERE a.kind = 'wallet' AND a.owner_ref = ?`;

/**
 * @returns lines for a person: SQL's journal with a running balance, then Redis' state and open
 * outbox
 */
export async function drill(options: DrillOptions, wallet: string): Promise<readonly string[]> {
  const { engine, redis, database } = options;
  const shard = shardOfWallet(wallet);
  const lines = [`wallet ${wallet}, shard ${shard}`, 'SQL:'];
  const rows = await database.query(
    `${sideOf('debit')} UNION ALL ${sideOf('credit')} ORDER BY id`,
    [wallet, wallet],
  );
  let balance = 0n;
  for (const row of rows) {
    balance += bigintOf(row, 'amount');
    const at = new Date(Number(row['booked_ms'])).toISOString();
    const where = row['seq'] === null ? textOf(row, 'idem_key') : `${row['epoch']}-${row['seq']}`;
    const amount = formatCredits(bigintOf(row, 'amount')).padStart(14);
    const after = formatCredits(balance).padStart(14);
    lines.push(`  ${at} ${textOf(row, 'code').padEnd(9)}${amount}${after}  ${where}`);
  }
  const [cursor] = await readCursors(database, [shard], '');
  const { wallets } = await engine.snapshot(shard);
  const found = wallets.find((one) => one.wallet === wallet);
  lines.push('Redis:');
  if (found === undefined) return [...lines, '  no record'];
  const { owned, held, debt, unsettled, cmdSeq } = found;
  lines.push(
    `  owned ${formatCredits(owned)}, of it held ${formatCredits(held)}, debt ${formatCredits(debt)}`,
    `  charged by open sessions, not in the outbox yet: ${formatCredits(unsettled)}`,
    `  funding commands applied: ${cmdSeq}`,
  );
  if (cursor === undefined) return lines;
  const entries = parseOutbox(cursor, await readOutbox(redis, cursor, ENTRIES_MAX));
  const waiting = entries.flatMap((entry) =>
    entry.events
      .filter((event) => 'wallet' in event && event.wallet === wallet)
      .map((event) => `  waits in the outbox: ${entry.epoch}-${entry.seq} ${event.type}`),
  );
  const total = owned + unsettled - debt;
  return [...lines, ...waiting, `SQL ${formatCredits(balance)}, Redis ${formatCredits(total)}`];
}
