// Reconciliation proves each lot twice: Redis has what it was told, and what the ledger has left of
// it; while credits are bought, given, spent, refunded and expire. What differs freezes its wallet.
import t from 'tap';
import { seededRandom, silentLog } from '../../cluster/testing/index.js';
import { FinanceJobs } from '../finance/jobs.js';
import { Reconciler } from '../reconcile.js';
import { codeOf, type FinanceStage, newKey, payment, startFinance } from './finance-stage.js';
import { goLive, open, tip, touch } from './stage.js';

const WALLETS = ['42', '43', '44', '45'];
const actor = 'admin:1';

/** One call of somebody; refusals (nothing left, too late) are part of it. */
async function step(
  stage: FinanceStage,
  campaign: string,
  random: ReturnType<typeof seededRandom>,
) {
  const { finance, clock, engine, database } = stage;
  clock.advance(random.int(0, 9_000));
  const wallet = random.pick(WALLETS);
  const amount = String(random.int(1, 4_000));
  const wish = random.int(0, 5);
  if (wish === 0) {
    const bonusExpiresMs = random.chance(0.5) ? 0 : clock.nowMs() + random.int(1, 90_000);
    const bought = { userId: wallet, paymentRef: newKey(), bonusMilli: amount, bonusExpiresMs };
    await finance.purchases.capture(payment(bought));
  } else if (wish === 1) {
    const gift = { key: newKey(), userId: wallet, amountMilli: amount, actor };
    await finance.campaigns.grant(campaign, gift);
  } else if (wish === 2) {
    const rows = await database.query('SELECT id FROM tip ORDER BY id');
    if (rows.length === 0) return;
    const tipId = String(random.pick(rows)['id']);
    const back = { key: newKey(), tipId, amountMilli: String(random.int(1, 500)), actor };
    await finance.refunds.give({ ...back, reason: 'no picture' });
  } else if (wish === 3) {
    await finance.lots.expire();
  } else if (wish === 4) {
    const { sessionId } = await open(stage, { wallet });
    if (sessionId === '') return;
    await touch(stage, sessionId, { wallet });
    if (random.chance(0.4)) await engine.end(sessionId, 'left');
  } else {
    await tip(stage, { key: newKey(), amount: BigInt(amount), wallet });
  }
}

t.test('every lot is what the ledger has left of it, while traffic runs', async (t) => {
  const stage = await startFinance(t, { refundWindowHours: 9_999 });
  const { finance, engine, database, metrics, redis, clock, settler } = stage;
  const random = seededRandom(t);
  await goLive(stage);
  const spring = { name: 'spring', budgetMilli: '900000', expiresDays: 0, paysPerformer: true };
  const { id: campaign } = await finance.campaigns.create({ key: newKey(), actor, ...spring });
  const traffic = async (steps: number): Promise<void> => {
    for (let at = 0; at < steps; at += 1) await codeOf(step(stage, campaign, random));
  };
  for (const userId of WALLETS) {
    const more = { userId, paymentRef: `pi_${userId}`, bonusMilli: '3000' };
    await finance.purchases.capture(payment(more));
  }
  await traffic(60);
  const reconciler = new Reconciler({ engine, database, metrics, log: silentLog });
  settler.start();
  for (let look = 0; look < 3; look += 1) {
    const [result] = await Promise.all([reconciler.run(), traffic(60)]);
    t.same(result.mismatches, []);
    t.same(result.skipped, []);
  }
  await settler.stop();
  await settler.drain();
  t.same((await reconciler.run()).mismatches, []);
  const [used] = await database.query(
    "SELECT SUM(kind = 'spend') AS spent, SUM(kind = 'restore') AS restored FROM lot_use",
  );
  t.ok(Number(used?.['spent']) > 0, 'lots were spent');

  await t.test('a lot of the ledger that nobody told Redis of freezes its wallet', async (t) => {
    await finance.campaigns.grant(campaign, {
      ...{ key: newKey(), userId: '43', amountMilli: '10', actor },
    });
    await settler.drain();
    // As by a hand in the database that keeps the ledger in itself: only Redis knows better.
    const [lot] = await database.query('SELECT MAX(id) AS id FROM lot WHERE wallet = 43');
    const id = String(lot?.['id']);
    await database.run('UPDATE lot SET granted = 11, remaining = 11 WHERE id = ?', [id]);
    const jobs = new FinanceJobs({
      ...{ finance, reconciler, redis, database, metrics, clock, log: silentLog },
      ...{ everyMs: 1_000, reconcileEveryMs: 60_000 },
    });
    const found = { wallet: `43/${id}`, what: 'remainder', redis: '10', sql: '11' };
    t.match(await jobs.reconcile(), [found]);
    t.equal((await metrics.mismatches.get()).values[0]?.value, 1, 'the alarm stands on this');
    t.match(await engine.readWallet('43'), { isFrozen: true });
    t.match(await engine.readWallet('42'), { isFrozen: false });
  });
});
