// Shards that move between the nodes of a Redis Cluster while viewers pay.
import t from 'tap';
import { startMariadb, startRedisCluster } from '../../cluster/testing/index.js';
import { slotOf } from '../../cluster/index.js';
import { shardKeys, shardOfWallet } from '../shard.js';
import { grant, joinLedger, mismatches, tip } from './stage.js';

const WALLETS = ['42', '1', '2', '3'] as const;
const TIPS = 400;

t.test('slots migrate under load: no tip is lost, none is paid twice', async (t) => {
  const [cluster, mariadb] = await Promise.all([startRedisCluster(t, 3), startMariadb(t)]);
  const stage = await joinLedger(t, { redisUrl: cluster.url, mysqlUrl: mariadb.url });
  const { engine } = stage;
  for (const wallet of WALLETS) await grant(stage, wallet, 100_000n);
  const slots = WALLETS.map((wallet) => slotOf(shardKeys(shardOfWallet(wallet)).meta));
  const moves = { isOver: false };
  const move = async () => {
    for (let round = 0; round < 3; round += 1) {
      for (const slot of slots) {
        const to = ((await cluster.ownerOf(slot)) + 1) % 3;
        await cluster.moveSlot(slot, to);
      }
    }
    moves.isOver = true;
  };
  const moving = move();
  let paid = 0;
  while (!moves.isOver || paid < TIPS) {
    const batch = WALLETS.map((wallet) =>
      tip(stage, { key: `tip-key-${paid}`, amount: 3n, wallet }),
    );
    const replies = await Promise.all(batch);
    if (replies.some((one) => one.status !== 'OK')) t.fail(replies.map((one) => one.status).join());
    paid += 1;
  }
  await moving;
  for (const wallet of WALLETS) {
    t.match(await engine.readWallet(wallet), { owned: 100_000n - BigInt(paid) * 3n });
  }
  t.same(await mismatches(stage), []);
});
