// Promotions: campaigns with a budget, and bonus lots granted from it. Used by the API and the CLI.
// Invariant: a campaign's budget is an account that cannot go below zero, so nobody can give more
// than it has, however many give at once.
import { bigintOf, type Row, textOf } from '../database.js';
import { billingError } from '../errors.js';
import { type AccountName, ISSUANCE, lockAccount } from '../posting.js';
import type { WalletReply } from '../schema.js';
import { type Desk, unknown } from './desk.js';
import type * as wire from './schema.js';
import { grantLot, insertedId, LOTS_MAX, openLots, SCOPES } from './wallet-commands.js';

const DAY_MS = 86_400_000;
const PRIORITY = 50;
const LIST_MAX = 1_000;

const budgetOf = (id: string): AccountName => ({ kind: 'campaign', owner: id });

export class Campaigns {
  constructor(private readonly desk: Desk) {}

  async create(request: wire.CampaignRequest): Promise<wire.CampaignReply> {
    const { key, actor, name, budgetMilli, expiresDays, paysPerformer } = request;
    const { scope = 'any', priority = PRIORITY } = request;
    const parts = [name, budgetMilli, expiresDays, String(paysPerformer), scope, priority];
    const command = { actor, idemKey: `campaign:${key}`, parts };
    const { id } = await this.desk.once(command, async (booking) => {
      const { sql, nowMs } = booking;
      await sql.run(
        `INSERT INTO campaign (name, budget, expires_days, pays_performer, scope, priority, created_ms)
         VALUES (?)`,
        [
          [
            ...[name, budgetMilli, expiresDays, paysPerformer ? 1 : 0, SCOPES.indexOf(scope)],
            ...[priority, nowMs],
          ],
        ],
      );
      const id = await insertedId(sql);
      const amount = BigInt(budgetMilli);
      await booking.post({
        code: 'campaign_budget',
        debit: ISSUANCE,
        credit: budgetOf(id),
        amount,
      });
      await booking.audit('campaign', `campaign:${id}`, `${name}: budget ${budgetMilli}`);
      return { id };
    });
    const [found] = await this.read(id);
    if (found === undefined) throw unknown('campaign', id);
    return found;
  }

  async list(): Promise<{ items: readonly wire.CampaignReply[] }> {
    return { items: await this.read() };
  }

  /** @throws AppError BILLING_BUDGET_SPENT, BILLING_LOT_LIMIT, BILLING_BALANCE_LIMIT */
  async grant(id: string, request: wire.CampaignGrantRequest): Promise<WalletReply> {
    const { key, userId: wallet, amountMilli, actor } = request;
    const amount = BigInt(amountMilli);
    const command = { actor, idemKey: `promotion:${key}`, parts: [id, wallet, amountMilli] };
    await this.desk.once(command, async (booking) => {
      const { sql, nowMs } = booking;
      const [campaign] = await sql.query('SELECT * FROM campaign WHERE id = ?', [id]);
      if (campaign === undefined) throw unknown('campaign', id);
      const { balance } = await lockAccount(sql, budgetOf(id));
      if (balance < amount) throw billingError('BILLING_BUDGET_SPENT', { left: String(balance) });
      if ((await openLots(sql, wallet)) >= LOTS_MAX) {
        throw billingError('BILLING_LOT_LIMIT', { max: LOTS_MAX });
      }
      const days = Number(campaign['expires_days']);
      const reason = `campaign ${textOf(campaign, 'name')}`;
      await grantLot(
        sql,
        {
          ...{ wallet, amount, reason, kind: 'campaign', sourceRef: id, code: 'promotion' },
          from: budgetOf(id),
          expiresMs: days === 0 ? 0 : nowMs + days * DAY_MS,
          priority: Number(campaign['priority']),
          scope: Number(campaign['scope']),
          paysPerformer: Number(campaign['pays_performer']) === 1,
          ...booking.identity('lot'),
        },
        nowMs,
      );
      await booking.audit('promotion', `wallet:${wallet}`, `${reason}: ${amountMilli}`);
      return { wallet };
    });
    return this.desk.settle(wallet);
  }

  private async read(id?: string): Promise<readonly wire.CampaignReply[]> {
    const rows = await this.desk.database.query(
      `SELECT c.*, a.credits - a.debits AS remaining FROM campaign c
       JOIN account a ON a.kind = 'campaign' AND a.owner_ref = CONVERT(c.id, CHAR)
       ${id === undefined ? '' : 'WHERE c.id = ?'} ORDER BY c.id DESC LIMIT ${LIST_MAX}`,
      id === undefined ? [] : [id],
    );
    return rows.map(toReply);
  }
}

function toReply(row: Row): wire.CampaignReply {
  return {
    id: textOf(row, 'id'),
    name: textOf(row, 'name'),
    budgetMilli: textOf(row, 'budget'),
    remainingMilli: String(bigintOf(row, 'remaining')),
    expiresDays: Number(row['expires_days']),
    paysPerformer: Number(row['pays_performer']) === 1,
    scope: SCOPES[Number(row['scope'])] ?? 'any',
    priority: Number(row['priority']),
    createdMs: Number(row['created_ms']),
  };
}
