// A Redis that is there and refuses writes (its disk is full, its replicas are gone, it follows
// another since a failover) is as one that is away: paid viewers stay for their allowance, nobody
// comes in, nothing moves, and the same keys act when it is mended.
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import t from 'tap';
import { freePort } from '../../cluster/index.js';
import { until } from '../../cluster/testing/index.js';
import { codeOf } from './finance-stage.js';
import { openShop, startRole, STREAM_KEY } from './role-stage.js';

interface Refusal {
  /** @returns what mends it */
  readonly begin: (redis: Redis) => Promise<() => Promise<unknown>>;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  MISCONF: {
    begin: async (redis) => {
      const [, dir = ''] = (await redis.config('GET', 'dir')) as string[];
      // A snapshot cannot take the place of a folder: as with a full disk, it fails at its end.
      const inTheWay = join(dir, 'dump.rdb');
      await mkdir(inTheWay);
      await redis.config('SET', 'save', '3600 1');
      await redis.bgsave();
      const status = (wanted: string) => async () =>
        (await redis.info('persistence')).includes(`rdb_last_bgsave_status:${wanted}`);
      await until(status('err'), { what: 'the snapshot to fail' });
      return async () => {
        await rmdir(inTheWay);
        await redis.bgsave();
        await until(status('ok'), { what: 'the snapshot to succeed' });
      };
    },
  },
  NOREPLICAS: {
    begin: async (redis) => {
      await redis.config('SET', 'min-replicas-to-write', '1');
      return () => redis.config('SET', 'min-replicas-to-write', '0');
    },
  },
  READONLY: {
    begin: async (redis) => {
      await redis.replicaof('127.0.0.1', await freePort());
      return () => redis.replicaof('NO', 'ONE');
    },
  },
};

t.test('a Redis that refuses writes is a Redis that is away', async (t) => {
  const stage = await startRole(t, {
    // Nobody falls silent while this test runs.
    ...{ BILLING_FAIL_OPEN_MS: '1500', BILLING_UPDATE_INTERVAL_MS: '60000' },
  });
  await openShop(stage);
  const { client, hook, redis } = stage;
  const viewer = { app: 'publish', addr: '10.0.0.9', clientid: '17' };
  const publish = (clientid: string) =>
    hook('on_publish', { ...viewer, clientid, call: 'publish', name: STREAM_KEY, type: 'live' });
  t.match(await publish('17'), { status: 302 });
  const entry = { viewerId: '42', roomId: '7' };
  const { playToken: token } = await client.openSession({ ...entry, key: 'open-key-1' });
  const update = async () =>
    (await hook('on_update', { ...viewer, call: 'update_play', name: 'stream-seven', token }))
      .status;
  const direct = redis.client();
  for (const [word, { begin }] of Object.entries(REFUSALS)) {
    await t.test(word, async (t) => {
      t.equal(await update(), 200);
      const mend = await begin(direct);
      t.match(await direct.set('probe', word).catch(String), word, 'writes are refused');
      t.equal(await update(), 200, 'who has paid stays');
      const pay = () =>
        client.tip({
          ...{ key: `tip-key-${word}`, viewerId: '42', viewerName: 'anna', roomId: '7' },
          amountMilli: 100n,
        });
      t.equal(await codeOf(pay()), 'BILLING_UNAVAILABLE');
      const other = { viewerId: '43', roomId: '7', key: `open-${word}` };
      t.equal(await codeOf(client.openSession(other)), 'BILLING_UNAVAILABLE');
      t.match(await publish('99'), { status: 403 });
      await until(async () => (await update()) === 403, { what: 'the allowance to end' });
      await mend();
      await until(async () => (await update()) === 200, { what: 'the show to go on' });
      t.match(await pay(), { duplicate: false }, 'it had not been paid');
      t.match(await pay(), { duplicate: true });
    });
  }
});
