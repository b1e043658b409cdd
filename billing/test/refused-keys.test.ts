// What was refused stays refused under its key, and the key does nothing else any more; stores that
// are away refuse nothing.
import t from 'tap';
import type { AppError } from '../../cluster/index.js';
import { silentLog, startTcpProxy, until } from '../../cluster/testing/index.js';
import { createFinance } from '../finance/finance.js';
import { codeOf, type FinanceStage, newKey, payment } from './finance-stage.js';
import { SETTINGS, startFinance, tip } from './finance-stage.js';
import { goLive, joinLedger, open } from './stage.js';

/** A command that is refused now, its mending, and the same key with another body. */
interface Refused {
  readonly code: string;
  readonly give: (stage: FinanceStage, more?: object) => Promise<unknown>;
  readonly other: object;
  readonly mend: (stage: FinanceStage) => Promise<unknown>;
}

const actor = 'admin:1';
const grantOf = (amount: bigint) => ({
  ...{ idemKey: 'grant:refused', fingerprint: String(amount).padStart(16, '0'), wallet: '42' },
  ...{ amount, reason: 'test', actor },
});
const buy = (stage: FinanceStage, paymentRef: string) =>
  stage.finance.purchases.capture(payment({ paymentRef }));
const adjust = (stage: FinanceStage, amountMilli: string, more: object = {}) =>
  stage.finance.adjustments.request({
    ...{ key: newKey(), userId: '42', amountMilli, reasonCode: 'goodwill', ticket: 'T-1', actor },
    ...more,
  });
const cardRefund = ({ finance }: FinanceStage, more: object) =>
  finance.purchases.refund({
    ...{ key: newKey(), paymentRef: 'pi_1', reason: 'asked for', actor, ...more },
  });
const dispute = ({ finance }: FinanceStage, state: 'opened' | 'won' | 'lost', more: object = {}) =>
  finance.purchases.chargeback({ key: newKey(), paymentRef: 'pi_2', state, actor, ...more });
const terms = (stage: FinanceStage, isOnHold: boolean) =>
  stage.finance.earnings.putTerms('99', { isOnHold });

const COMMANDS: Readonly<Record<string, Refused>> = {
  purchase: {
    code: 'BILLING_BALANCE_LIMIT',
    give: ({ finance }, more) =>
      finance.purchases.capture(
        payment({ key: 'key-purchase', paymentRef: 'pi_8', amountMilli: '9000000000000', ...more }),
      ),
    other: { amountMilli: '9000' },
    mend: (stage) => adjust(stage, '-19000'),
  },
  'purchase refund': {
    code: 'BILLING_INSUFFICIENT_CREDIT',
    give: (stage, more) => cardRefund(stage, { key: 'key-refund-card', ...more }),
    other: { amountMilli: '1' },
    mend: (stage) => adjust(stage, '50000'),
  },
  chargeback: {
    code: 'BILLING_STATE_CONFLICT',
    give: (stage, more) => dispute(stage, 'lost', { key: 'key-chargeback', ...more }),
    other: { state: 'opened' },
    mend: () => Promise.resolve(),
  },
  refund: {
    code: 'BILLING_APPROVAL_NEEDED',
    give: async (stage, more) => {
      const [row] = await stage.database.query('SELECT id FROM tip');
      const tipId = String(row?.['id']);
      const wish = { key: 'key-refund', tipId, amountMilli: '2', reason: 'no picture', actor };
      return stage.finance.refunds.give({ ...wish, ...more });
    },
    other: { approver: 'admin:2' },
    mend: () => Promise.resolve(),
  },
  adjustment: {
    code: 'BILLING_INSUFFICIENT_CREDIT',
    give: (stage, more) => adjust(stage, '-80000', { key: 'key-adjustment', ...more }),
    other: { amountMilli: '-1' },
    mend: (stage) => adjust(stage, '50000'),
  },
  'grant from a campaign': {
    code: 'BILLING_SUBJECT_UNKNOWN',
    give: ({ finance }, more) =>
      finance.campaigns.grant('1', {
        ...{ key: 'key-promotion', userId: '42', amountMilli: '5', actor, ...more },
      }),
    other: { amountMilli: '4' },
    mend: ({ finance }) => {
      const spring = { name: 'spring', budgetMilli: '500', expiresDays: 3, paysPerformer: true };
      return finance.campaigns.create({ key: newKey(), actor, ...spring });
    },
  },
  payout: {
    code: 'BILLING_PAYOUT_HOLD',
    give: ({ finance }, more) =>
      finance.payouts.request({
        ...{ key: 'key-payout', performerId: '99', method: 'sepa', actor, ...more },
      }),
    other: { method: 'paypal' },
    mend: (stage) => terms(stage, false),
  },
  grant: {
    code: 'BILLING_BALANCE_LIMIT',
    give: ({ funder }, more) => funder.grant({ ...grantOf(9_000_000_000_000n), ...more }),
    other: grantOf(7n),
    mend: (stage) => adjust(stage, '-100000'),
  },
};

t.test('a refusal holds for its key, whatever has changed since', async (t) => {
  const stage = await startFinance(t, { refundAutoMaxMilli: 1, adjustAutoMaxMilli: 1_000_000 });
  for (const paymentRef of ['pi_1', 'pi_2']) await buy(stage, paymentRef);
  for (const state of ['opened', 'won'] as const) await dispute(stage, state);
  await tip(stage, 1_000n);
  await terms(stage, true);
  const done = () =>
    stage.database.query('SELECT id, amount FROM transfer UNION ALL SELECT id, 0 FROM audit');
  for (const [name, { code, give, other, mend }] of Object.entries(COMMANDS)) {
    await t.test(name, async (t) => {
      const refusal = async (more?: object): Promise<unknown> =>
        give(stage, more).then(
          () => 'it was done',
          (thrown: unknown) => thrown,
        );
      const first = (await refusal()) as AppError;
      t.equal(first.code, code);
      await mend(stage);
      const before = await done();
      const { message, details } = first;
      const again = { code, message, details: { ...details, wasRefused: true } };
      t.match(await refusal(), again, 'who must go on takes another key');
      t.match(await refusal(other), {
        code: 'BILLING_KEY_CONFLICT',
        details: { wasRefused: true },
      });
      t.same(await done(), before, 'nothing was done by any of it');
    });
  }
  t.same(await stage.audit(), []);
});

t.test('calls at once under one key are refused as one', async (t) => {
  const stage = await startFinance(t);
  const calls = Array.from({ length: 4 }, () => codeOf(adjust(stage, '-1', { key: 'key-many' })));
  t.same(new Set(await Promise.all(calls)), new Set(['BILLING_INSUFFICIENT_CREDIT']));
  const rows = await stage.database.query('SELECT * FROM adjustment');
  t.equal(rows.length, 0);
});

t.test('who cannot say refuses nothing: the same key acts when Redis is back', async (t) => {
  const stage = await startFinance(t);
  await buy(stage, 'pi_1');
  const { server, mariadb } = stage;
  const proxy = await startTcpProxy(t, { targetPort: server.port });
  const redisUrl = `redis://${proxy.host}:${proxy.port}`;
  const far = await joinLedger(t, { redisUrl, mysqlUrl: mariadb.url });
  const finance = createFinance({ ...far, log: silentLog, settings: SETTINGS });
  const take = (amountMilli: string) =>
    adjust({ ...stage, finance }, amountMilli, { key: 'key-far-away' });
  await proxy.refuse();
  t.equal(await codeOf(take('-7')), 'BILLING_UNAVAILABLE');
  await proxy.heal();
  await until(async () => (await codeOf(take('-7'))) === 'done', { what: 'it is done' });
  t.equal(await codeOf(take('-8')), 'BILLING_KEY_CONFLICT');
  t.match(await stage.engine.readWallet('42'), { owned: 9_993n });
  t.same(await stage.audit(), []);
});

t.test('what the ledger does not know yet is not refused for ever', async (t) => {
  const stage = await startFinance(t);
  await buy(stage, 'pi_1');
  const early = { key: 'key-early-pay', paymentRef: 'pi_9', amountMilli: '3' };
  t.equal(await codeOf(cardRefund(stage, early)), 'BILLING_SUBJECT_UNKNOWN');
  await buy(stage, 'pi_9');
  t.equal(await codeOf(cardRefund(stage, early)), 'done');
  await goLive(stage);
  const { sessionId } = await open(stage);
  const back = { key: 'key-early-show', sessionId, reason: 'no picture', actor };
  const refund = () => codeOf(stage.finance.refunds.give(back));
  t.equal(await refund(), 'BILLING_SUBJECT_UNKNOWN');
  await stage.settler.drain();
  t.equal(await refund(), 'BILLING_STATE_CONFLICT', 'it is open');
  stage.clock.advance(5_000);
  await stage.engine.end(sessionId, 'left');
  await stage.settler.drain();
  t.equal(await refund(), 'done');
  t.same(await stage.audit(), []);
});
