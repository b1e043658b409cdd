// Lots of credits as people see them, and their end: expired lots become breakage. Used by the API
// and by the periodic jobs. Redis decides by its own clock what has expired; SQL only says where to
// look.
import { type Row, textOf } from '../database.js';
import { BATCH_MAX } from '../engine.js';
import type { WalletState } from '../scripts.js';
import { byShard } from '../shard.js';
import type { Desk } from './desk.js';
import type { LotReply, WalletLotsReply } from './schema.js';
import { SCOPES } from './wallet-commands.js';

const PAGE = 1_000;

export class Lots {
  constructor(
    private readonly desk: Desk,
    /** Told when a wallet has lost something. */
    private readonly onChanged: (wallet: string, state: WalletState) => void,
  ) {}

  async of(wallet: string): Promise<WalletLotsReply> {
    const { engine, database } = this.desk.options;
    const { cash, debt, isFrozen, lots } = await engine.readLots(wallet);
    const ids = lots.map((lot) => lot.id);
    const rows =
      ids.length === 0 ? [] : await database.query('SELECT * FROM lot WHERE id IN (?)', [ids]);
    const known = new Map(rows.map((row) => [textOf(row, 'id'), row]));
    const bonus = lots.map((lot): LotReply => ({
      id: lot.id,
      ...bookedPart(known.get(lot.id)),
      remainingMilli: String(lot.amount),
      ...(lot.expiresMs === 0 ? {} : { expiresMs: lot.expiresMs }),
      scope: SCOPES[lot.scope] ?? 'any',
      priority: lot.priority,
    }));
    const bought = {
      id: 'cash',
      kind: 'cash',
      remainingMilli: String(cash),
      scope: 'any',
    } as const;
    return { lots: [...bonus, bought], debtMilli: String(debt), isFrozen };
  }

  /** Books what has expired. What a show holds of it goes at the next run. @returns wallets */
  async expire(): Promise<number> {
    const { database } = this.desk.options;
    let changed = 0;
    let after = '0';
    for (;;) {
      const rows = await database.query(
        `SELECT id, wallet FROM lot WHERE is_open = 1 AND expires_ms BETWEEN 1 AND ? AND id > ?
         ORDER BY id LIMIT ${PAGE}`,
        [this.desk.nowMs(), after],
      );
      changed += await this.expireIn(new Set(rows.map((row) => textOf(row, 'wallet'))));
      if (rows.length < PAGE) return changed;
      after = textOf(rows.at(-1), 'id');
    }
  }

  private async expireIn(wallets: ReadonlySet<string>): Promise<number> {
    let changed = 0;
    for (const [shard, all] of byShard(wallets)) {
      for (let at = 0; at < all.length; at += BATCH_MAX) {
        const part = all.slice(at, at + BATCH_MAX);
        const lost = await this.desk.options.engine.expireLots(shard, part);
        for (const { wallet, ...state } of lost) this.onChanged(wallet, state);
        changed += lost.length;
      }
    }
    return changed;
  }
}

function bookedPart(row: Row | undefined): Pick<LotReply, 'kind' | 'grantedMilli'> {
  if (row === undefined) return { kind: 'refund' };
  return { kind: textOf(row, 'kind') as LotReply['kind'], grantedMilli: textOf(row, 'granted') };
}
