// The same engine on a Redis Cluster of three masters: open, touch, tip, settle and reconcile,
// while shards move from master to master under load.
import t from 'tap';
import { createMetrics, slotOf } from '../../cluster/index.js';
import {
  ManualClock,
  silentLog as log,
  startMariadb,
  startRedisCluster,
} from '../../cluster/testing/index.js';
import { Database } from '../database.js';
import { Engine } from '../engine.js';
import { Fence } from '../fence.js';
import { Funder } from '../funder.js';
import { billingMetrics } from '../metrics.js';
import { migrate } from '../migrator.js';
import { Reconciler } from '../reconcile.js';
import { Settler } from '../settler.js';
import { newSessionId, shardKeys, shardOfWallet } from '../shard.js';
import { connectMoney, goLive, open, START_MS, TIMING, touch } from './stage.js';

const VIEWERS = 24;
const MOVES = 12;
const CREDITS = 100_000n;

t.test('money is exact while shards move between the masters of a Cluster', async (t) => {
  const [servers, mariadb] = await Promise.all([startRedisCluster(t, 3), startMariadb(t)]);
  const redis = await connectMoney(t, servers.url);
  const database = await Database.open(mariadb.url, { poolMax: 8, log });
  t.teardown(() => database.close());
  await migrate(database, log);
  const clock = new ManualClock(START_MS);
  const metrics = billingMetrics(createMetrics('billing', { process: false }));
  const fence = new Fence({ redis, database, metrics, log, clock, maxGapMs: TIMING.maxGapMs });
  const engine = new Engine({ redis, fence, timing: TIMING, metrics, now: () => clock.nowMs() });
  const shared = { redis, engine, database, metrics, log, clock };
  const settler = new Settler(shared);
  const funder = new Funder({ ...shared, onFunded: () => undefined });
  await fence.lift();
  await goLive({ engine });

  const viewers = Array.from({ length: VIEWERS }, (_, at) => String(1_000 + at));
  const sessions = new Map<string, string>();
  for (const wallet of viewers) {
    await funder.grant({
      ...{ idemKey: `grant:key-${wallet}`, fingerprint: '0123456789abcdef', wallet },
      ...{ amount: CREDITS, reason: 'test', actor: 'test' },
    });
    const { status, sessionId } = await open({ engine, clock }, { wallet });
    t.equal(status, 'OK');
    sessions.set(wallet, sessionId);
  }

  let isMoving = true;
  let tips = 0;
  const load = async (): Promise<void> => {
    for (let round = 0; isMoving || round < 3; round += 1) {
      await Promise.all(
        viewers.map((wallet) => touch({ engine }, sessions.get(wallet) ?? '', { wallet })),
      );
      const key = `tip-key-${round}`;
      const one = { room: '7', payee: '99', amount: 10n, bps: 6_000, key };
      const replies = await Promise.all(
        viewers.map((wallet) =>
          engine.tip({
            ...{ ...one, wallet, fingerprint: 'aaaaaaaaaaaaaaaa' },
            tipId: newSessionId(shardOfWallet(wallet), clock.nowMs()),
          }),
        ),
      );
      tips += replies.filter(({ status, isDuplicate }) => status === 'OK' && !isDuplicate).length;
    }
  };
  const move = async (): Promise<void> => {
    for (let at = 0; at < MOVES; at += 1) {
      const slot = slotOf(shardKeys(shardOfWallet(viewers[at] ?? '')).meta);
      await servers.moveSlot(slot, ((await servers.ownerOf(slot)) + 1) % 3);
      clock.advance(1_000);
    }
    isMoving = false;
  };
  await Promise.all([load(), move()]);

  clock.advance(1_000);
  let charged = 0n;
  for (const sessionId of sessions.values()) {
    const ended = await engine.end(sessionId, 'left');
    charged += ended.charged;
    t.equal(ended.billMs, (MOVES + 1) * 1_000, 'every second once');
  }
  t.equal(charged, BigInt(VIEWERS) * 1_300n);
  await settler.drain();
  const { wallets, mismatches } = await new Reconciler(shared).run();
  t.same([wallets, mismatches], [VIEWERS, []]);
  const [row] = await database.query(
    "SELECT SUM(credits - debits) AS left_over FROM account WHERE kind = 'wallet'",
  );
  const paid = charged + 10n * BigInt(tips);
  t.equal(BigInt(String(row?.['left_over'])), CREDITS * BigInt(VIEWERS) - paid);
  t.ok(tips >= 3 * VIEWERS);
});
