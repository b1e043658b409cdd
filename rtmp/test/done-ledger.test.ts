// Done events of a node that dies: noted in Redis, adopted by one living node, sent once, without
// the key.
import t from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { silentLog, startRedis, until } from '../../cluster/testing/index.js';
import { RedisDoneLedger } from '../done-ledger.js';
import { DoneWatch } from '../done-watch.js';
import { startIngest } from './ingest-fixture.js';

t.test("a dead node's sessions are closed once, by whoever comes first", async (t) => {
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const ledgerOf = (nodeId: string) => new RedisDoneLedger({ redis, nodeId, log: silentLog });
  const dying = ledgerOf('rtmp-dead');
  const dead = await startIngest(t, { nodeId: 'rtmp-dead' }, undefined, dying);
  await dead.publisher('sk_secret');
  const player = await dead.client('play');
  await player.play('pub-sk_secret?token=tt');
  const raw = server.client();
  const owed = () => raw.hgetall('rtmp:{done}:owed:rtmp-dead');
  await until(async () => Object.keys(await owed()).length === 2, { what: 'two notes' });
  t.notMatch(JSON.stringify(await owed()), /(?<!pub-)sk_secret/, 'the key is not written down');

  // The node "dies": its hooks are never asked again, others see it missing in the member list.
  const living = await startIngest(t, { nodeId: 'rtmp-b' });
  const [one, two] = [ledgerOf('rtmp-b'), ledgerOf('rtmp-c')];
  t.same(await one.adopt(new Set(['rtmp-dead', 'rtmp-b'])), [], 'nothing while it is alive');
  const alive = new Set(['rtmp-b', 'rtmp-c']);
  const [first, second] = await Promise.all([one.adopt(alive), two.adopt(alive)]);
  t.equal(first.length + second.length, 2);
  t.ok(first.length === 0 || second.length === 0, 'one of the two has taken all');
  living.server.settle([...first, ...second]);
  await until(() => living.hooks.of('done').length === 2, { what: 'done events' });
  const ended = living.hooks.of('publish_done')[0];
  t.match(Object.fromEntries(ended?.form ?? []), {
    name: 'pub-sk_secret',
    session: dead.started[0]?.sessionId,
    node: 'rtmp-dead',
    reason: 'lease_expired',
  });
  t.equal(living.hooks.of('play_done')[0]?.form.get('token'), 'tt');
});

t.test('delivered events are struck off; what is left is found after a restart', async (t) => {
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const ledger = new RedisDoneLedger({ redis, nodeId: 'rtmp-a', log: silentLog });
  const ingest = await startIngest(t, { nodeId: 'rtmp-a' }, undefined, ledger);
  const client = await ingest.publisher('sk_a');
  await ingest.publisher('sk_b');
  const owed = () => server.client().hlen('rtmp:{done}:owed:rtmp-a');
  await until(async () => (await owed()) === 2, { what: 'two notes' });
  client.unpublish('sk_a');
  await until(async () => (await owed()) === 1, { what: 'one note' });
  const reborn = new RedisDoneLedger({ redis, nodeId: 'rtmp-a', log: silentLog });
  const events = await reborn.recover();
  t.same(
    events.map((one) => one.session),
    [ingest.started[1]?.sessionId],
  );
  t.equal(await owed(), 1, 'kept until it is delivered');
});

t.test(
  'the watch recovers first, then adopts what dead nodes owe, and outlives Redis',
  async (t) => {
    const server = await startRedis(t);
    const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
    t.teardown(() => closeRedis(redis));
    const ledgerOf = (nodeId: string) => new RedisDoneLedger({ redis, nodeId, log: silentLog });
    const request = { call: 'done', members: { name: 'x' }, args: '' } as const;
    for (const nodeId of ['rtmp-a', 'rtmp-dead']) {
      const ledger = ledgerOf(nodeId);
      ledger.owe(`session-of-${nodeId}`, [request]);
      await ledger.flush();
    }
    const settled: string[] = [];
    let alive: ReadonlySet<string> | undefined = undefined;
    const watch = new DoneWatch({
      ledger: ledgerOf('rtmp-a'),
      aliveNodeIds: () => alive,
      settle: (owed) => settled.push(...owed.map((one) => one.session)),
      everyMs: 20,
      log: silentLog,
    });
    watch.start();
    await until(() => settled.length === 1, { what: 'recovery' });
    t.same(settled, ['session-of-rtmp-a'], 'nobody is dead while the list is not known');
    await server.restart();
    const late = ledgerOf('rtmp-late');
    await until(
      async () => {
        late.owe('session-of-rtmp-late', [request]);
        await late.flush();
        return (await redis.hlen('rtmp:{done}:owed:rtmp-late')) === 1;
      },
      { what: 'Redis is back' },
    );
    alive = new Set(['rtmp-a']);
    await until(() => settled.includes('session-of-rtmp-late'), { what: 'adoption' });
    await watch.stop();
  },
);
