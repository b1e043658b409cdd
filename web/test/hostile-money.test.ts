// Wrong, missing, oversized and hostile input for everything about money.
import t from 'tap';
import { LONG, refuseAll, SCRIPT, SQL, without, type HostileCase } from './hostile-case.js';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const { admin, model } = await staff(fixture);
const viewer = fixture.browser();
await viewer.signUp('anna');

const good = {
  refund: { kind: 'tip', ref: 'T'.padEnd(26, '0'), reason: 'Twice' },
  payout: { key: 'key-00000001', amountMilli: '1000', method: 'sepa' },
  campaign: {
    ...{ key: 'key-00000001', name: 'Spring', budgetMilli: '1000' },
    ...{ expiresDays: 30, paysPerformer: true },
  },
  adjustment: {
    ...{ key: 'key-00000001', username: 'anna', amountMilli: '1' },
    ...{ reasonCode: 'goodwill', ticket: 'T-1' },
  },
  chargeback: { key: 'key-00000001', paymentRef: 'pi_1', state: 'opened' },
};

const lacking = (
  who: 'viewer' | 'model' | 'admin',
  path: string,
  form: object,
  optional: readonly string[] = [],
): HostileCase[] =>
  Object.keys(form)
    .filter((name) => !optional.includes(name))
    .map((name) => [who, 'POST', path, without(form, name), [name]]);

const cases: HostileCase[] = [
  ...lacking('viewer', '/credits/refund-requests', good.refund),
  ...lacking('model', '/model/payouts', good.payout, ['amountMilli']),
  ...lacking('admin', '/admin/finance/campaigns', good.campaign),
  ...lacking('admin', '/admin/finance/adjustments', good.adjustment),
  ...lacking('admin', '/admin/finance/chargebacks', good.chargeback),
  ...['-1', '0', '1.5', 5, null, SQL].map((perShowMilli): HostileCase => [
    'viewer',
    'PUT',
    '/credits/limits',
    { perShowMilli },
    ['perShowMilli'],
  ]),
  ['viewer', 'PUT', '/credits/limits', { isFrozen: false }, ['isFrozen']],
  ['viewer', 'GET', "/credits/shows?cursor='--", undefined, ['cursor']],
  ['viewer', 'GET', '/credits/orders/..%2fx/receipt', undefined, ['id']],
  ['viewer', 'POST', '/credits/refund-requests', { ...good.refund, kind: 'all' }, ['kind']],
  ['viewer', 'POST', '/credits/refund-requests', { ...good.refund, ref: SQL }, ['ref']],
  ['viewer', 'POST', '/credits/refund-requests', { ...good.refund, reason: LONG }, ['reason']],
  ['model', 'POST', '/model/payouts', { ...good.payout, method: SCRIPT }, ['method']],
  ['model', 'POST', '/model/payouts', { ...good.payout, performerId: '1' }, ['performerId']],
  ['admin', 'GET', '/admin/finance/reports/day', undefined, ['from', 'to']],
  ['admin', 'GET', '/admin/finance/reports/all?from=2026-01-01&to=2026-01-02', undefined, ['kind']],
  ['admin', 'GET', '/admin/finance/reports/day?from=1.1.26&to=2026-13-01', undefined, ['from']],
  ['admin', 'GET', '/admin/finance/purchases?user=0', undefined, ['user']],
  ['admin', 'GET', '/admin/finance/payouts?state=gone', undefined, ['state']],
  ['admin', 'POST', '/admin/finance/payouts/..%2f/approve', {}, ['id']],
  ['admin', 'POST', '/admin/finance/payouts/1/approve', { actor: '2' }, ['actor']],
  ['admin', 'PUT', '/admin/finance/performers/1/terms', { studioShareBps: 10_001 }, []],
  ['admin', 'POST', '/admin/users/0/freeze', { isFrozen: true, reason: 'x' }, ['id']],
  ['admin', 'POST', '/admin/users/1/freeze', { isFrozen: 'yes', reason: '' }, ['isFrozen']],
  ['admin', 'GET', '/admin/refund-requests?state=lost', undefined, ['state']],
  ['admin', 'POST', '/admin/refund-requests/1/decline', {}, ['answer']],
  ['admin', 'POST', '/admin/refund-requests/x/approve', {}, ['id']],
];

t.test('each refusal is problem+json and names its fields', (t) =>
  refuseAll(t, { anon: fixture.browser(), viewer, model, admin }, cases),
);
