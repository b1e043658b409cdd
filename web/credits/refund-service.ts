// Refunds that viewers ask for and admins decide. Used by the credit and admin routes. Invariant: a
// request is decided once; credits move in billing alone, under a key of the request, and a refusal
// there leaves the request open.
import type { Clock } from '../../cluster/index.js';
import { recordAudit, type Actor } from '../admin/audit.js';
import { duplicateKey, type Database } from '../db/database.js';
import { PurchaseEntity } from '../db/entities/purchase.js';
import {
  RefundRequestEntity,
  type RefundKind,
  type RefundRequest,
  type RefundState,
} from '../db/entities/refund-request.js';
import { siteError } from '../errors.js';
import type { Finance } from '../finance-port.js';
import { commandKey } from '../rooms/command-key.js';
import type { PaymentProvider } from './provider.js';
import { needsApproval } from './refund-orders.js';

const PAGE = 50;

export interface AskedRefund extends RefundRequest {
  readonly username: string;
}

export interface RefundService {
  /** Asking twice is asking once. @throws PURCHASE_NOT_FOUND, REQUEST_EXISTS when it was decided */
  ask(
    userId: string,
    wish: { kind: RefundKind; ref: string; reason: string },
  ): Promise<RefundRequest>;
  /** Newest first, 50 at most. */
  ofUser(userId: string, beforeId?: string): Promise<RefundRequest[]>;
  /** Oldest first. */
  list(state: RefundState, page: { limit: number; afterId: string }): Promise<AskedRefund[]>;
  /**
   * Where billing wants two persons, the first one proposes the amount and the request stays open
   * for another.
   * @param decision.amountMilli a part; absent = all, or what the first person proposed
   * @throws REQUEST_NOT_FOUND, REQUEST_DECIDED, SECOND_PERSON, FINANCE_REFUSED, PAYMENT_UNAVAILABLE
   */
  approve(
    id: string,
    decision: { amountMilli?: string; answer?: string; actor: Actor },
  ): Promise<void>;
  /** @throws REQUEST_NOT_FOUND, REQUEST_DECIDED */
  decline(id: string, decision: { answer: string; actor: Actor }): Promise<void>;
}

const LIST = `SELECT q.id, q.user_id AS userId, u.username, q.kind, q.ref, q.reason, q.state,
    q.answer, q.proposed_by AS proposedBy, q.amount_milli AS amountMilli, q.decided_by AS decidedBy,
    q.created_at AS createdAt, q.decided_at AS decidedAt
  FROM refund_request q JOIN user u ON u.id = q.user_id
  WHERE q.state = ? AND q.id > ? ORDER BY q.id LIMIT ?`;

export function createRefundService(parts: {
  database: Database;
  finance: Finance;
  provider: PaymentProvider | undefined;
  clock: Clock;
}): RefundService {
  const { database, finance, provider, clock } = parts;
  const requests = () => database.repository(RefundRequestEntity);
  const now = (): Date => new Date(clock.nowMs());

  /** Marks it decided under its row lock; `act` may still undo that. */
  const decide = (
    id: string,
    columns: Partial<RefundRequest> & { state: RefundState },
    actor: Actor,
    act: (request: RefundRequest) => Promise<void>,
  ): Promise<void> =>
    database.transaction(async (manager) => {
      const rows = manager.getRepository(RefundRequestEntity);
      const request = await rows.findOne({ where: { id }, lock: { mode: 'pessimistic_write' } });
      if (request === null) throw siteError('REQUEST_NOT_FOUND');
      if (request.state !== 'open') throw siteError('REQUEST_DECIDED', { state: request.state });
      const record = (deed: string) =>
        recordAudit(manager, {
          actor,
          action: `refund.${deed}`,
          subjectType: 'user',
          subjectId: request.userId,
          detail: { kind: request.kind, ref: request.ref, answer: columns.answer ?? '' },
          createdAt: now(),
        });
      const amountMilli = columns.amountMilli ?? request.amountMilli;
      try {
        await act({ ...request, amountMilli });
      } catch (thrown) {
        if (!needsApproval(thrown)) throw thrown;
        if (request.proposedBy === actor.id) throw siteError('SECOND_PERSON');
        await rows.update({ id }, { proposedBy: actor.id, amountMilli });
        await record('proposed');
        return;
      }
      const decided = { decidedBy: actor.id, decidedAt: now() };
      await rows.update({ id }, { ...columns, amountMilli, ...decided });
      await record(columns.state);
    });

  async function giveBack(request: RefundRequest, actor: Actor): Promise<void> {
    const { id, kind, ref, reason, amountMilli, proposedBy } = request;
    if (kind === 'purchase') return giveMoneyBack(request, actor);
    const isSecond = proposedBy !== null && proposedBy !== actor.id;
    await finance.refund({
      key: commandKey('refund-request', request.userId, id),
      ...(kind === 'show' ? { sessionId: ref } : { tipId: ref }),
      ...(amountMilli === null ? {} : { amountMilli: BigInt(amountMilli) }),
      reason: reason.slice(0, 200),
      ...(isSecond ? { actor: proposedBy, approver: actor.id } : { actor: actor.id }),
    });
  }

  async function giveMoneyBack(
    { ref, reason, amountMilli }: RefundRequest,
    actor: Actor,
  ): Promise<void> {
    const purchase = await database.repository(PurchaseEntity).findOneBy({ id: ref });
    if (purchase?.state !== 'granted') throw siteError('PURCHASE_NOT_FOUND');
    if (provider?.name !== purchase.provider) throw siteError('NOT_FOR_SALE');
    const left = BigInt(purchase.amountMilli) - BigInt(purchase.refundedMilli);
    const milli = amountMilli === null ? left : BigInt(amountMilli);
    if (milli > left || milli <= 0n) {
      throw siteError('FINANCE_REFUSED', { why: `${left} milli-credits are left of the order.` });
    }
    const cents = Number((milli * BigInt(purchase.priceCents)) / BigInt(purchase.amountMilli));
    if ((await provider.giveBack(purchase, cents)) === 'told') return;
    const total = String(BigInt(purchase.refundedMilli) + milli);
    await finance.refundPurchase({
      key: commandKey('purchase-refund', purchase.id, total),
      provider: purchase.provider,
      paymentRef: purchase.providerRef ?? purchase.id,
      amountMilli: milli,
      reason: reason.slice(0, 200),
      actor: actor.id,
    });
    await database.repository(PurchaseEntity).update({ id: ref }, { refundedMilli: total });
  }

  return {
    async ask(userId, { kind, ref, reason }) {
      if (kind === 'purchase') {
        const known = await database.repository(PurchaseEntity).findOneBy({ id: ref, userId });
        if (known?.state !== 'granted') throw siteError('PURCHASE_NOT_FOUND');
      }
      const row = {
        ...{ userId, kind, ref, reason },
        ...{ state: 'open' as const, answer: null, proposedBy: null, amountMilli: null },
        ...{ decidedBy: null, createdAt: now(), decidedAt: null },
      };
      try {
        const inserted = await requests().insert(row);
        return { ...row, id: String(inserted.identifiers[0]?.['id']) };
      } catch (thrown) {
        if (duplicateKey(thrown) !== 'refund_request_once') throw thrown;
        const known = await requests().findOneByOrFail({ userId, kind, ref });
        if (known.state !== 'open') throw siteError('REQUEST_EXISTS', { state: known.state });
        return known;
      }
    },

    ofUser: (userId, beforeId) => {
      const query = requests().createQueryBuilder('q').where('q.userId = :userId', { userId });
      if (beforeId !== undefined) query.andWhere('q.id < :beforeId', { beforeId });
      return query.orderBy('q.id', 'DESC').take(PAGE).getMany();
    },

    list: (state, { limit, afterId }) => database.rows<AskedRefund>(LIST, [state, afterId, limit]),

    approve: (id, { amountMilli, answer, actor }) =>
      decide(
        id,
        { state: 'approved', answer: answer ?? null, amountMilli: amountMilli ?? null },
        actor,
        (request) => giveBack(request, actor),
      ),

    decline: (id, { answer, actor }) =>
      decide(id, { state: 'declined', answer }, actor, () => Promise.resolve()),
  };
}
