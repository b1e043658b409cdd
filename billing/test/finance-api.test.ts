// Finance end to end: the typed client against a running role, the command line on the same
// servers, and what the role does by itself when the books do not fit.
import t from 'tap';
import { loadConfig } from '../../cluster/index.js';
import { silentLog, TEST_SECRETS, until } from '../../cluster/testing/index.js';
import { runCommand } from '../commands.js';
import { FinanceJobs } from '../finance/jobs.js';
import { Reconciler } from '../reconcile.js';
import { shardKeys, shardOfWallet } from '../shard.js';
import { codeOf, DAY_MS, newKey, startFinance } from './finance-stage.js';
import { startRole } from './role-stage.js';

const today = (): string => new Date().toISOString().slice(0, 10);

t.test('the typed client: purchase, campaign, lots, adjustment, freeze, report', async (t) => {
  const stage = await startRole(t);
  const { client, role } = stage;
  const bought = await client.purchase({
    ...{ key: newKey(), provider: 'stripe', paymentRef: 'pi_1', userId: '42' },
    ...{ amountMilli: 90_000n, bonusMilli: 5_000n, fiatMinor: 7_000, currency: 'EUR' },
  });
  t.match(bought, { balance: 95_000n, held: 0n });
  const actor = 'admin:1';
  const spring = { name: 'spring', expiresDays: 3, paysPerformer: false, actor };
  const { id } = await client.createCampaign({ key: newKey(), budgetMilli: 2_000n, ...spring });
  const gift = { key: newKey(), userId: '42', amountMilli: 2_000n, actor };
  t.match(await client.grantFromCampaign(id, gift), { balance: 97_000n });
  t.match(await client.listCampaigns(), [{ remainingMilli: 0n }]);
  t.match((await client.getLots('42')).lots, [{ kind: 'campaign' }, { kind: 'purchase' }, {}]);
  const why = { userId: '42', reasonCode: 'goodwill', ticket: 'T-1', actor };
  const large = await client.adjust({ key: newKey(), amountMilli: -60_000n, ...why });
  t.match(large, { state: 'pending', amountMilli: -60_000n });
  t.match(await client.approveAdjustment(large.id, 'admin:2'), { state: 'applied' });
  await client.freezeWallet('42', { isFrozen: true, reason: 'looks odd', actor });
  t.match(await client.getLots('42'), { isFrozen: true });
  await client.freezeWallet('42', { isFrozen: false, reason: 'is fine', actor });
  const back = { key: newKey(), paymentRef: 'pi_1', amountMilli: 10_000n, reason: 'asked', actor };
  t.match(await client.refundPurchase(back), { balance: 27_000n });
  t.match((await client.listPurchases({ user: '42' })).items, [{ refundedMilli: 10_000n }]);
  const lost = { key: newKey(), paymentRef: 'pi_1', state: 'lost', actor } as const;
  t.match(await client.chargeback(lost), { state: 'lost', debtMilli: 60_000n });
  const terms = { isOnHold: true, payoutMinimumMilli: 5n, actor: 'admin:1' };
  await client.putPerformerTerms('99', terms);
  const payout = { key: newKey(), performerId: '99', method: 'sepa', actor };
  t.equal(await codeOf(client.requestPayout(payout)), 'BILLING_PAYOUT_HOLD');
  t.same(await client.getEarnings('99'), {
    ...{ pending: 0n, available: 0n, inFlight: 0n, paid: 0n, total: 0n },
  });
  t.match(await client.getEarningsDays('99', { from: today(), to: today() }), [{ netMilli: 0n }]);
  t.same(await client.listEarningsEntries('99', { limit: 5 }), { items: [] });
  await role.settler.drain();
  const range = { from: today(), to: today() };
  t.match(await client.getReportCsv('viewer', range), /^userId,.*\r\n42,90000,7000,/);
  t.match(await client.getReport('day', range), { kind: 'day', rows: [[today()]] });
  t.match((await client.listAudit({ limit: 1 })).items, [
    { action: 'performer_terms', actor: 'admin:1' },
  ]);
  t.same((await client.listSessions({ viewer: '42' })).items, []);
});

t.test('hostile calls get a code and change nothing', async (t) => {
  const { caller, client } = await startRole(t);
  const call = (path: string, body: unknown, method = 'POST') =>
    codeOf(caller.call('billing', method, path, body));
  const purchase = {
    ...{ key: 'purchase-1', provider: 'stripe', paymentRef: 'pi_1', userId: '42' },
    ...{ amountMilli: '1000', fiatMinor: 1, currency: 'EUR' },
  };
  const broken: object[] = [
    { ...purchase, amountMilli: '0' },
    { ...purchase, amountMilli: '-1000' },
    { ...purchase, amountMilli: '1e3' },
    { ...purchase, amountMilli: 1000 },
    { ...purchase, amountMilli: '99999999999999' },
    { ...purchase, bonusMilli: '-1' },
    { ...purchase, fiatMinor: 0.5 },
    { ...purchase, userId: '0' },
    { ...purchase, userId: "1' OR '1'='1" },
    { ...purchase, paymentRef: '' },
    { ...purchase, provider: 'Stripe; DROP TABLE' },
    { ...purchase, currency: 'euro' },
    { ...purchase, isAdmin: true },
  ];
  for (const body of broken) {
    t.equal(await call('/v1/purchases', body), 'BILLING_BAD_REQUEST', JSON.stringify(body));
  }
  const past = { ...purchase, amountMilli: '9000000000001' };
  t.equal(await call('/v1/purchases', past), 'BILLING_BALANCE_LIMIT');
  for (const path of [
    '/v1/purchases?limit=201',
    '/v1/purchases?before=x',
    '/v1/purchases?user=%27',
    '/v1/payouts?state=stolen',
    '/v1/reports/day?from=x&to=y',
    '/v1/reports/day?from=2026-01-01&to=2026-01-02&format=xml',
    '/v1/sessions?before=1',
    '/v1/earnings/99/days?from=2026-02-30&to=2026-03-01',
    '/v1/earnings/99/entries?before=x',
  ]) {
    t.equal(await call(path, undefined, 'GET'), 'BILLING_BAD_REQUEST', path);
  }
  t.equal(await call('/v1/reports/all', undefined, 'GET'), 'BILLING_NOT_FOUND');
  t.equal(await call('/v1/adjustments/7/approve', { actor: 'a' }), 'BILLING_SUBJECT_UNKNOWN');
  t.match(await client.getWallet('42'), { balance: 0n, version: 0 });
});

t.test('the command line does what the API does', async (t) => {
  const stage = await startFinance(t);
  const { server, mariadb } = stage;
  const lines: string[] = [];
  const run = (...args: string[]) => {
    lines.length = 0;
    return runCommand(args, {
      config: () =>
        loadConfig({
          ...{ BILLING_REDIS_URL: server.url, MYSQL_URL: mariadb.url, LOG_LEVEL: 'silent' },
          ...{ TOKEN_SECRET: TEST_SECRETS.token, INTERNAL_SECRET: TEST_SECRETS.internal },
        }),
      print: (line) => void lines.push(line),
    });
  };
  const flags = (fields: Record<string, string>) =>
    Object.entries({ key: newKey(), actor: 'admin:1', ...fields }).flatMap(([name, value]) => {
      return value === '' ? [] : [`--${name}`, value];
    });
  const answer = (): Record<string, string> => JSON.parse(lines[0] ?? '') as Record<string, string>;
  const payment = { provider: 'stripe', paymentRef: 'pi_1', userId: '42', amountMilli: '9000' };
  const fiat = { fiatMinor: '700', currency: 'EUR', actor: '' };
  t.equal(await run('purchase', ...flags({ ...payment, ...fiat })), 0);
  t.equal(answer()['balance'], '9000');
  t.equal(await run('purchase', ...flags({ ...payment, ...fiat, amountMilli: '1' })), 1);
  t.match(lines[0], /BILLING_KEY_CONFLICT/);
  t.equal(await run('purchase', ...flags({ ...payment })), 2, 'fields are missing');
  const spring = { name: 'spring', budgetMilli: '500', expiresDays: '3', paysPerformer: 'true' };
  t.equal(await run('campaign', ...flags(spring)), 0);
  const { id = '' } = answer();
  t.equal(await run('grant', id, ...flags({ userId: '42', amountMilli: '500' })), 0);
  const adjust = { userId: '42', amountMilli: '50001', reasonCode: 'goodwill', ticket: 'T-1' };
  t.equal(await run('adjust', ...flags(adjust)), 0);
  const pending = answer()['id'] ?? '';
  t.equal(await run('approve', pending, '--actor', 'admin:1'), 1);
  t.equal(await run('approve', pending, '--actor', 'admin:2'), 0);
  const freeze = ['--isFrozen', 'true', '--reason', 'odd', '--actor', 'admin:1'];
  t.equal(await run('freeze', '42', ...freeze), 0);
  t.match(answer(), { isFrozen: true, debtMilli: '0' });
  const refund = { paymentRef: 'pi_1', amountMilli: '1000', reason: 'asked for' };
  t.equal(await run('purchase-refund', ...flags(refund)), 0);
  t.equal(await run('chargeback', ...flags({ paymentRef: 'pi_1', state: 'lost' })), 0);
  t.equal(await run('payout', ...flags({ performerId: '99', method: 'sepa' })), 1);
  t.equal(await run('payout', 'burn', '1', '--actor', 'a'), 2);
  t.equal(await run('refund', ...flags({ reason: 'nothing named' })), 2);
  t.equal(await run('report', 'day', '--from', today(), '--to', today(), '--format', 'csv'), 0);
  t.match(lines[0], /^day,purchasesMilli,/);
  t.equal(await run('report', 'moon'), 2);
  t.equal(await run('audit'), 0);
  t.match(answer(), { items: [{ action: 'chargeback' }] });
  t.equal(await run('audit', 'verify'), 0);
  t.equal(await run('reconcile'), 0);
});

t.test('a wallet that does not fit twice is frozen, and nothing else is touched', async (t) => {
  const stage = await startFinance(t);
  const { finance, engine, database, metrics, redis, clock, settler } = stage;
  const reconciler = new Reconciler({ engine, database, metrics, log: silentLog });
  const jobs = new FinanceJobs({
    ...{ finance, reconciler, redis, database, metrics, clock, log: silentLog },
    ...{ everyMs: 1_000, reconcileEveryMs: 60_000 },
  });
  for (const userId of ['42', '43']) {
    const paid = { provider: 'stripe', paymentRef: `pi_${userId}`, fiatMinor: 1, currency: 'EUR' };
    await finance.purchases.capture({ key: newKey(), userId, amountMilli: '1000', ...paid });
  }
  await jobs.round();
  await settler.drain();
  t.same(await jobs.reconcile(), []);
  const { bal, meta } = shardKeys(shardOfWallet('42'));
  const bitFlip = `local w = cmsgpack.unpack(redis.call('HGET', KEYS[1], '42'))
    w[1] = w[1] + 1
    redis.call('HSET', KEYS[1], '42', cmsgpack.pack(w))
    return redis.call('HINCRBY', KEYS[2], 'sum', 1)`;
  await redis.eval(bitFlip, 2, bal, meta);
  await redis.hset(meta, 'writtenOff', 85_000);
  clock.advance(60_000);
  await jobs.round();
  t.equal((await metrics.writtenOffSeconds.get()).values[0]?.value, 85);
  t.match(await engine.readWallet('42'), { owned: 1_001n, isFrozen: true });
  t.match(await engine.readWallet('43'), { isFrozen: false });
  const found = (await metrics.mismatches.get()).values[0]?.value;
  t.equal(found, 1);
  await settler.drain();
  clock.advance(2 * DAY_MS);
  await jobs.round();
  t.ok((await finance.audit.verify()).anchors > 0, 'the log is anchored by itself');
});

t.test('the role runs the jobs by itself', async (t) => {
  const stage = await startRole(t, { BILLING_FINANCE_INTERVAL_MS: '1000' });
  const { client } = stage;
  await client.purchase({
    ...{ key: newKey(), provider: 'stripe', paymentRef: 'pi_1', userId: '42' },
    ...{ amountMilli: 1_000n, bonusMilli: 500n, bonusExpiresMs: Date.now() + 3_000 },
    ...{ fiatMinor: 80, currency: 'EUR' },
  });
  const isGone = async () => (await client.getWallet('42')).balance === 1_000n;
  await until(isGone, { what: 'the bonus to expire' });
  const told = stage.said.filter((one) => one.what === 'balance').at(-1);
  t.match(told, { to: '42', owned: 1_000n });
});
