// Refunds that staff gives by itself. Used by the admin routes. Invariants: a key acts once; above
// billing's limit two different persons have said yes; nobody approves what they asked for.
import type { EntityManager } from 'typeorm';
import type { Clock } from '../../cluster/index.js';
import { recordAudit, type Actor } from '../admin/audit.js';
import { duplicateKey, type Database } from '../db/database.js';
import {
  RefundOrderEntity,
  type RefundOrder,
  type RefundOrderState,
} from '../db/entities/refund-order.js';
import { DetailedError, siteError } from '../errors.js';
import type { Finance } from '../finance-port.js';
import { commandKey } from '../rooms/command-key.js';

export interface RefundWish {
  readonly kind: 'show' | 'tip';
  readonly ref: string;
  /** A part; absent = all that is left of it. */
  readonly amountMilli?: string | undefined;
  readonly reason: string;
  readonly key: string;
  readonly actor: Actor;
}

export interface RefundOrders {
  /**
   * Gives it back, or leaves it waiting for a second person. The same key of the same person acts
   * once. @throws KEY_REUSED, FINANCE_REFUSED, SESSION_NOT_FOUND, BILLING_UNAVAILABLE
   */
  give(wish: RefundWish): Promise<RefundOrder>;
  /** Newest first. */
  list(page: {
    state: RefundOrderState | undefined;
    beforeId: string | undefined;
    limit: number;
  }): Promise<RefundOrder[]>;
  /** @throws REQUEST_NOT_FOUND, REQUEST_DECIDED, SECOND_PERSON, FINANCE_REFUSED */
  approve(id: string, actor: Actor): Promise<RefundOrder>;
  /** @throws REQUEST_NOT_FOUND, REQUEST_DECIDED */
  decline(id: string, actor: Actor): Promise<RefundOrder>;
}

/** Whether billing wants a second person. */
export function needsApproval(thrown: unknown): boolean {
  return (
    thrown instanceof DetailedError && thrown.members['billingCode'] === 'BILLING_APPROVAL_NEEDED'
  );
}

export function createRefundOrders(parts: {
  database: Database;
  finance: Finance;
  clock: Clock;
}): RefundOrders {
  const { database, finance, clock } = parts;
  const now = (): Date => new Date(clock.nowMs());

  const record = (manager: EntityManager, order: RefundOrder, deed: string, actor: Actor) =>
    recordAudit(manager, {
      actor,
      action: `refund.${deed}`,
      subjectType: order.kind === 'show' ? 'session' : 'tip',
      subjectId: order.ref,
      detail: { amountMilli: order.amountMilli ?? 'all', reason: order.reason },
      createdAt: now(),
    });

  const giveBack = (order: RefundOrder, approver?: string) =>
    finance.refund({
      key: order.commandKey,
      ...(order.kind === 'show' ? { sessionId: order.ref } : { tipId: order.ref }),
      ...(order.amountMilli === null ? {} : { amountMilli: BigInt(order.amountMilli) }),
      ...(approver === undefined ? {} : { approver }),
      reason: order.reason,
      actor: order.askedBy,
    });

  async function make(manager: EntityManager, row: Omit<RefundOrder, 'id'>, actor: Actor) {
    const rows = manager.getRepository(RefundOrderEntity);
    const inserted = await rows.insert(row);
    const order: RefundOrder = { ...row, id: String(inserted.identifiers[0]?.['id']) };
    const change = await giveBack(order).then(
      ({ amountMilli }) => ({ state: 'done' as const, returnedMilli: String(amountMilli) }),
      (thrown: unknown) => {
        if (!needsApproval(thrown)) throw thrown;
        return { state: 'waiting' as const };
      },
    );
    await rows.update({ id: order.id }, change);
    await record(manager, order, change.state === 'done' ? 'given' : 'proposed', actor);
    return { ...order, ...change };
  }

  /** Decides under the row's lock; a refusal of billing leaves it waiting. */
  const decide = (
    id: string,
    actor: Actor,
    act: (order: RefundOrder) => Promise<Pick<RefundOrder, 'state' | 'returnedMilli'>>,
  ): Promise<RefundOrder> =>
    database.transaction(async (manager) => {
      const rows = manager.getRepository(RefundOrderEntity);
      const order = await rows.findOne({ where: { id }, lock: { mode: 'pessimistic_write' } });
      if (order === null) throw siteError('REQUEST_NOT_FOUND');
      if (order.state !== 'waiting') throw siteError('REQUEST_DECIDED', { state: order.state });
      const said = await act(order);
      const change = { ...said, decidedBy: actor.id, decidedAt: now() };
      await rows.update({ id }, change);
      await record(manager, order, said.state === 'done' ? 'approved' : 'declined', actor);
      return { ...order, ...change };
    });

  return {
    async give({ kind, ref, amountMilli = null, reason, key, actor }) {
      const order = {
        ...{ kind, ref, reason, amountMilli },
        commandKey: commandKey('refund', actor.id, key),
        ...{ state: 'done' as const, returnedMilli: null, askedBy: actor.id },
        ...{ decidedBy: null, createdAt: now(), decidedAt: null },
      };
      try {
        return await database.transaction((manager) => make(manager, order, actor));
      } catch (thrown) {
        if (duplicateKey(thrown) !== 'refund_order_once') throw thrown;
        const known = await database
          .repository(RefundOrderEntity)
          .findOneByOrFail({ commandKey: order.commandKey });
        const isSame =
          known.ref === ref && known.amountMilli === amountMilli && known.reason === reason;
        if (!isSame) throw siteError('KEY_REUSED');
        return known;
      }
    },

    list: ({ state, beforeId, limit }) => {
      const query = database.repository(RefundOrderEntity).createQueryBuilder('o');
      if (state !== undefined) query.andWhere('o.state = :state', { state });
      if (beforeId !== undefined) query.andWhere('o.id < :beforeId', { beforeId });
      return query.orderBy('o.id', 'DESC').take(limit).getMany();
    },

    approve: (id, actor) =>
      decide(id, actor, async (order) => {
        if (order.askedBy === actor.id) throw siteError('SECOND_PERSON');
        const { amountMilli } = await giveBack(order, actor.id);
        return { state: 'done', returnedMilli: String(amountMilli) };
      }),

    decline: (id, actor) =>
      decide(id, actor, () => Promise.resolve({ state: 'declined', returnedMilli: null })),
  };
}
