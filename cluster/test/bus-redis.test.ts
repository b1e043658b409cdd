// What the Redis bus adds to the contract: how publish behaves while the broker is away or silent.
import t, { type Test } from 'tap';
import { createRedisBus, type RedisBusOptions } from '../pubsub/bus-redis.js';
import { freePort, silentLog, startRedis, startTcpProxy, until } from '../testing/index.js';

async function arrange(t: Test, options: Partial<RedisBusOptions> = {}) {
  const redis = await startRedis(t);
  const proxy = await startTcpProxy(t, { targetPort: redis.port });
  const near = { url: redis.url, name: 'near', log: silentLog };
  const far = { ...near, url: `redis://127.0.0.1:${proxy.port}`, name: 'far', ...options };
  const [from, to] = [await createRedisBus(far), await createRedisBus(near)];
  t.teardown(() => Promise.all([from.close(), to.close()]));
  const seen: string[] = [];
  await to.subscribe('x', (payload) => void seen.push(payload.toString()));
  return { redis, proxy, from, seen };
}

await t.test('publishes wait out a short loss of the link and keep their order', async (t) => {
  const { proxy, from, seen } = await arrange(t);
  await proxy.refuse();
  await until(() => !from.isWhole(), { what: 'the loss is noticed' });

  const publishes = ['1', '2', '3', '4'].map((one) => from.publish('x', one));
  await proxy.heal();
  await Promise.all(publishes);
  await from.publish('x', '5');
  await until(() => seen.includes('5'), { what: 'the last message' });

  t.same(seen, ['1', '2', '3', '4', '5']);
});

await t.test('after the wait a publish is refused and never sent later', async (t) => {
  const { proxy, from, seen } = await arrange(t, { publishWaitMs: 50 });
  await proxy.refuse();
  await until(() => !from.isWhole(), { what: 'the loss is noticed' });

  await t.rejects(from.publish('x', 'never'), { code: 'BUS_AWAY', http: 503, retry: true });
  await proxy.heal();
  await until(() => from.isWhole(), { what: 'the link is back' });
  await from.publish('x', 'now');
  await until(() => seen.includes('now'), { what: 'the next message' });

  t.same(seen, ['now']);
});

await t.test('a publish whose acknowledgement is lost is reported and not repeated', async (t) => {
  const { proxy, from, seen } = await arrange(t);

  proxy.stall('toClient');
  const publish = from.publish('x', 'once');
  await until(() => seen.length === 1, { what: 'the message got through' });
  proxy.cut();
  await t.rejects(publish, { code: 'BUS_AWAY' });
  await proxy.heal();
  await until(() => from.isWhole(), { what: 'the link is back' });
  await from.publish('x', 'next');
  await until(() => seen.includes('next'), { what: 'the next message' });

  t.same(seen, ['once', 'next']);
});

await t.test('closing ends publishes that wait', async (t) => {
  const { proxy, from } = await arrange(t, { publishWaitMs: 60_000 });
  await proxy.refuse();
  await until(() => !from.isWhole(), { what: 'the loss is noticed' });

  const waiting = from.publish('x', '1');
  await from.close();

  await t.rejects(waiting, { code: 'BUS_CLOSED' });
});

await t.test('it says how it is', async (t) => {
  const { redis, from } = await arrange(t);
  t.ok(from.isWhole());
  t.same(from.stats(), { channels: 0, messages: 0, gaps: 0, reconnects: 0, moves: 0 });

  let gaps = 0;
  await from.subscribe('y', () => undefined, { onGap: () => (gaps += 1) });
  await redis.client().client('KILL', 'TYPE', 'pubsub');
  await until(() => gaps === 1, { what: 'the gap' });

  t.match(from.stats(), { channels: 1, gaps: 1, reconnects: 1 });
});

await t.test('without a broker at the start it is an error and nothing stays open', async (t) => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  await t.rejects(createRedisBus({ url, name: 'x', log: silentLog }), {
    message: /cannot be reached/,
  });
});
