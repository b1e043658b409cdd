// Corrections by hand, up or down, with a reason code and a ticket. Used by the API and the CLI.
// Invariant: above the limit nothing moves until a second person has said so; what is applied is
// one transfer and is never changed, only corrected by another.
import { bigintOf, type Row, type Sql, textOf } from '../database.js';
import { billingError } from '../errors.js';
import { siteAccount, walletOf } from '../posting.js';
import { type Booking, conflict, type Desk, unknown } from './desk.js';
import { pageRows, type PageQuery } from './pages.js';
import type * as wire from './schema.js';
import { cashOf, checkRoom, insertedId } from './wallet-commands.js';

export class Adjustments {
  constructor(private readonly desk: Desk) {}

  /** @throws AppError BILLING_INSUFFICIENT_CREDIT when there is less cash than it takes */
  async request(request: wire.AdjustmentRequest): Promise<wire.AdjustmentReply> {
    const { key, userId, amountMilli, reasonCode, ticket, actor } = request;
    const amount = BigInt(amountMilli);
    const size = amount < 0n ? -amount : amount;
    const isSmall = size <= BigInt(this.desk.settings.adjustAutoMaxMilli);
    const parts = [userId, amountMilli, reasonCode, ticket];
    const command = { actor, idemKey: `adjustment:${key}`, parts };
    const { id } = await this.desk.once(command, async (booking) => {
      await booking.sql.run(
        `INSERT INTO adjustment (wallet, amount, reason_code, ticket, actor, state, created_ms)
         VALUES (?)`,
        [[userId, amountMilli, reasonCode, ticket, actor, 'pending', booking.nowMs]],
      );
      const id = await insertedId(booking.sql);
      if (isSmall) await this.apply(booking, await lock(booking.sql, id));
      const detail = `${amountMilli}, ${reasonCode}, ticket ${ticket}`;
      await booking.audit('adjustment', `wallet:${userId}`, `${id}: ${detail}`);
      return { id };
    });
    await this.desk.settle(userId);
    return this.read(id);
  }

  /** @throws AppError BILLING_APPROVAL_NEEDED when the approver asked for it */
  async approve(id: string, actor: string): Promise<wire.AdjustmentReply> {
    const wallet = await this.decide(id, actor, 'applied');
    await this.desk.settle(wallet);
    return this.read(id);
  }

  async reject(id: string, actor: string): Promise<wire.AdjustmentReply> {
    await this.decide(id, actor, 'rejected');
    return this.read(id);
  }

  async list(query: PageQuery & { state?: string }): Promise<wire.Page<wire.AdjustmentReply>> {
    const filter = { state: query.state };
    return pageRows(this.desk.database, { table: 'adjustment', filter, query }, toReply);
  }

  private async decide(id: string, actor: string, to: 'applied' | 'rejected'): Promise<string> {
    const command = { actor, idemKey: `adjustment:id:${id}` };
    return this.desk.step(command, async (booking) => {
      const row = await lock(booking.sql, id);
      const wallet = textOf(row, 'wallet');
      const state = textOf(row, 'state');
      if (state === to) return wallet;
      if (state !== 'pending') throw conflict(`adjustment ${id}`, state);
      if (to === 'applied') {
        if (textOf(row, 'actor') === actor) {
          const max = this.desk.settings.adjustAutoMaxMilli;
          throw billingError('BILLING_APPROVAL_NEEDED', { max });
        }
        await this.apply(booking, row);
      } else {
        await setState(booking, id, 'rejected');
      }
      await booking.audit(`adjustment_${to}`, `wallet:${wallet}`, id);
      return wallet;
    });
  }

  private async apply(booking: Booking, row: Row): Promise<void> {
    const [id, wallet, amount] = [
      textOf(row, 'id'),
      textOf(row, 'wallet'),
      bigintOf(row, 'amount'),
    ];
    const reason = `${textOf(row, 'reason_code')}, ticket ${textOf(row, 'ticket')}`;
    const site = siteAccount('site_adjustment');
    if (amount > 0n) {
      await checkRoom(booking.sql, wallet, amount);
      await booking.tell('cash', { wallet, kind: 'credit', amount, reason });
      await booking.post({ code: 'adjustment', debit: site, credit: walletOf(wallet), amount });
    } else {
      const { cash } = await this.desk.options.engine.readLots(wallet);
      const inLedger = await cashOf(booking.sql, wallet);
      if (cash < -amount || inLedger < -amount) throw billingError('BILLING_INSUFFICIENT_CREDIT');
      await booking.tell('cash', { wallet, kind: 'debit', amount: -amount, reason });
      await booking.post({
        ...{ code: 'adjustment', debit: walletOf(wallet), credit: site, amount: -amount },
      });
    }
    await setState(booking, id, 'applied');
  }

  private async read(id: string): Promise<wire.AdjustmentReply> {
    const sql = this.desk.database;
    const [row] = await sql.query('SELECT * FROM adjustment WHERE id = ?', [id]);
    if (row === undefined) throw unknown('adjustment', id);
    return toReply(row);
  }
}

async function lock(sql: Sql, id: string): Promise<Row> {
  const [row] = await sql.query('SELECT * FROM adjustment WHERE id = ? FOR UPDATE', [id]);
  if (row === undefined) throw unknown('adjustment', id);
  return row;
}

async function setState({ sql, command }: Booking, id: string, state: string): Promise<void> {
  await sql.run('UPDATE adjustment SET state = ?, decided_by = ? WHERE id = ?', [
    ...[state, command.actor, id],
  ]);
}

function toReply(row: Row): wire.AdjustmentReply {
  const decidedBy = textOf(row, 'decided_by');
  return {
    id: textOf(row, 'id'),
    state: textOf(row, 'state') as wire.AdjustmentReply['state'],
    userId: textOf(row, 'wallet'),
    amountMilli: textOf(row, 'amount'),
    reasonCode: textOf(row, 'reason_code'),
    ticket: textOf(row, 'ticket'),
    actor: textOf(row, 'actor'),
    ...(decidedBy === '' ? {} : { decidedBy }),
    createdMs: Number(row['created_ms']),
  };
}
