// MariaDB away for an hour of shows: the outbox grows by what was agreed and no more, a Redis that
// is full of it refuses whole scripts, and afterwards every charge is booked once.
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { shardKeys, shardOfWallet } from '../shard.js';
import { Statements } from '../statements.js';
import { goLive, grant, type LedgerStage, mismatches, open, startLedger, tip } from './stage.js';

const SHARDS = 4;
const VIEWERS_PER_SHARD = 6;
const TICK_MS = 10_000;
const TICKS = 360;
const TIP = 250n;
/** What the tick of 10 s costs at 6 credits a minute. */
const TICK_COST = 1_000n;
/** One viewer of each shard can pay for 20 minutes only. */
const POOR = 120_000n;
const RICH = 900_000n;
/** Entries that stay in Redis once they are booked. */
const TAIL = 200;

interface Viewer {
  readonly wallet: string;
  readonly credits: bigint;
  readonly sessionId: string;
}

/** Wallets of the first shards, with credits; who opens later settles at another tick. */
async function openAll(stage: LedgerStage): Promise<readonly (readonly Viewer[])[]> {
  const wallets = Array.from({ length: SHARDS }, (): string[] => []);
  for (let id = 1; wallets.some((some) => some.length < VIEWERS_PER_SHARD); id += 1) {
    const some = wallets[shardOfWallet(String(id))];
    if (some !== undefined && some.length < VIEWERS_PER_SHARD) some.push(String(id));
  }
  const byShard = wallets.map((): Viewer[] => []);
  for (let nth = 0; nth < VIEWERS_PER_SHARD; nth += 1) {
    for (const [shard, viewers] of byShard.entries()) {
      const wallet = wallets[shard]?.[nth] ?? '';
      const credits = nth === 0 ? POOR : RICH;
      await grant(stage, wallet, credits);
      const { sessionId } = await open(stage, { wallet });
      viewers.push({ wallet, credits, sessionId });
    }
    await tick(stage, byShard);
  }
  return byShard;
}

/** Ten seconds pass and all prove that they are there. @returns verdicts in the order given */
async function tick(stage: LedgerStage, byShard: readonly (readonly Viewer[])[]) {
  stage.clock.advance(TICK_MS);
  return touchAll(stage, byShard);
}

async function touchAll({ engine }: LedgerStage, byShard: readonly (readonly Viewer[])[]) {
  const rows = await Promise.all(
    byShard.map((viewers, shard) => {
      return engine.touch(
        shard,
        viewers.map((one) => [one.sessionId, 'g'] as const),
      );
    }),
  );
  return rows.flat().map((row) => row.verdict);
}

const lengths = ({ redis }: LedgerStage): Promise<number[]> =>
  Promise.all(Array.from({ length: SHARDS }, (_, shard) => redis.xlen(shardKeys(shard).out)));

async function booked({ database }: LedgerStage): Promise<Record<string, bigint>> {
  const { accounts, entriesSum } = await new Statements(database).summary();
  const all = accounts.map((one) => [one.kind, BigInt(one.balance)] as const);
  return { ...Object.fromEntries(all), sum: BigInt(entriesSum) };
}

t.test('an hour without MySQL: nothing is lost, nothing doubled, all is drained', async (t) => {
  const stage = await startLedger(t, { appendFsync: 'everysec' });
  const { mariadb, redis, settler, engine } = stage;
  await goLive(stage);
  const byShard = await openAll(stage);
  const viewers = byShard.flat();
  await settler.drain();
  const before = await lengths(stage);

  await mariadb.kill();
  for (let nth = 1; nth <= TICKS; nth += 1) {
    await tick(stage, byShard);
    const tipper = byShard[nth % SHARDS]?.at(-1)?.wallet ?? '';
    if (nth % 30 === 0) await tip(stage, { key: `tip-key-${nth}`, amount: TIP, wallet: tipper });
    if (nth % 120 === 0) await t.rejects(settler.drain(), { code: 'BILLING_UNAVAILABLE' });
  }
  const tips = BigInt(TICKS / 30) * TIP;

  await t.test(
    'the outbox holds one event a minute of each show, its end and the tips',
    async (t) => {
      const perShard = VIEWERS_PER_SHARD * (TICKS / 6 + 2) + TICKS / 30;
      const grown = (await lengths(stage)).map((length, at) => length - (before[at] ?? 0));
      t.ok(Math.max(...grown) <= perShard, `${grown.join()} entries, at most ${perShard}`);
      t.ok(Math.min(...grown) > TAIL, 'more than what stays after settlement');
    },
  );

  const owned = () => Promise.all(viewers.map(async ({ wallet }) => engine.readWallet(wallet)));
  const atBound = await owned();
  await t.test('a Redis that is full refuses as a whole, and still answers', async (t) => {
    await redis.config('SET', 'maxmemory', '1000000');
    const refusal = { code: 'BILLING_UNAVAILABLE' };
    await t.rejects(touchAll(stage, byShard), refusal);
    await t.rejects(tip(stage, { key: 'tip-key-full', amount: TIP }), refusal);
    t.same(await owned(), atBound, 'no credit has moved');
  });

  await t.test('MySQL comes back: a full Redis is emptied, the shows go on', async (t) => {
    await mariadb.start();
    await until(() => settler.drain().then(() => true), { what: 'settlement', deadlineMs: 60_000 });
    t.same(
      await lengths(stage),
      Array.from({ length: SHARDS }, () => TAIL),
    );
    await redis.config('SET', 'maxmemory', '0');
    const verdicts = await tick(stage, byShard);
    t.equal(verdicts.filter((one) => one === 'ok').length, SHARDS * (VIEWERS_PER_SHARD - 1));
  });

  for (const { sessionId } of viewers) await engine.end(sessionId, 'left');
  t.same(await mismatches(stage), []);
  t.equal(await settler.drain(), 0, 'drained');
  // Who opened nth has seen all ticks but the first nth; the poor have spent all.
  const rich = Array.from({ length: VIEWERS_PER_SHARD - 1 }, (_, at) => {
    return BigInt(TICKS + VIEWERS_PER_SHARD - at) * TICK_COST;
  });
  const perShard = rich.reduce((sum, one) => sum + one, POOR);
  const spent = BigInt(SHARDS) * perShard + tips;
  const { earnings = 0n, site_revenue: site = 0n, wallet, sum } = await booked(stage);
  t.equal(earnings + site, spent, 'each second and each tip is paid once');
  const given = viewers.reduce((total, one) => total + one.credits, 0n);
  t.same({ wallet, sum }, { wallet: given - spent, sum: 0n });
});
