// Frozen wallets: who froze them and why, several reasons at once. Used by the API, by chargebacks
// and by reconciliation. Invariant: the account, Redis and the list of reasons say the same; a
// wallet is frozen while one reason stands.
import { coerceError } from '../../cluster/index.js';
import { textOf } from '../database.js';
import { lockWallet } from '../posting.js';
import type { Booking, Desk } from './desk.js';

export interface FreezeChange {
  readonly wallet: string;
  /** `manual`, `reconcile` or `chargeback:<purchase>`. */
  readonly source: string;
  readonly isFrozen: boolean;
  readonly reason: string;
}

/** Inside a transaction: adds or removes one reason. A manual thaw removes them all. */
export async function changeFreeze(booking: Booking, change: FreezeChange): Promise<void> {
  const { sql, nowMs, command } = booking;
  const { wallet, source, isFrozen, reason } = change;
  const { cmdSeq } = await lockWallet(sql, wallet);
  const before = await reasonsOf(booking, wallet);
  if (isFrozen) {
    await sql.run(
      `INSERT INTO wallet_freeze (wallet, source, reason, actor, at_ms) VALUES (?)
       ON DUPLICATE KEY UPDATE reason = VALUES(reason)`,
      [[wallet, source, reason, command.actor, nowMs]],
    );
  } else {
    const isAll = source === 'manual';
    await sql.run(`DELETE FROM wallet_freeze WHERE wallet = ? ${isAll ? '' : 'AND source = ?'}`, [
      wallet,
      ...(isAll ? [] : [source]),
    ]);
  }
  const after = await reasonsOf(booking, wallet);
  if (before > 0 === after > 0) return;
  const kind = after > 0 ? 'freeze' : 'unfreeze';
  await sql.run(`UPDATE account SET is_frozen = ? WHERE kind = 'wallet' AND owner_ref = ?`, [
    after > 0 ? 1 : 0,
    wallet,
  ]);
  await booking.tell(`${kind}:${cmdSeq}`, { wallet, kind, amount: 0n, reason });
}

async function reasonsOf({ sql }: Booking, wallet: string): Promise<number> {
  const [row] = await sql.query('SELECT COUNT(*) AS n FROM wallet_freeze WHERE wallet = ?', [
    wallet,
  ]);
  return Number(row?.['n']);
}

export class Freezes {
  constructor(private readonly desk: Desk) {}

  /** Safe to repeat. The open shows of a wallet that is frozen end. */
  async set(change: FreezeChange & { readonly actor: string }): Promise<void> {
    const { wallet, isFrozen, reason, actor } = change;
    await this.desk.step({ actor, idemKey: `freeze:${wallet}` }, async (booking) => {
      await changeFreeze(booking, change);
      await booking.audit(isFrozen ? 'freeze' : 'unfreeze', `wallet:${wallet}`, reason);
    });
    await this.desk.settle(wallet);
    if (isFrozen) await this.endShows(wallet);
  }

  /** What SQL knows of; a frozen wallet opens no new one. */
  async endShows(wallet: string): Promise<void> {
    const { endSession, log } = this.desk.options;
    if (endSession === undefined) return;
    const rows = await this.desk.database.query(
      'SELECT id FROM session WHERE wallet = ? AND ended_ms IS NULL',
      [wallet],
    );
    for (const row of rows) {
      await endSession(textOf(row, 'id')).catch((thrown: unknown) => {
        log.warn({ event: 'freeze.show_goes_on', err: coerceError(thrown) });
      });
    }
  }
}
