// What the backend says within one turn of the event loop: one script call per channel, in order.
import t, { type Test } from 'tap';
import { closeRedis, connectRedis, type RedisClient } from '../../cluster/index.js';
import { silentLog, startRedis, type TestRedis } from '../../cluster/testing/index.js';
import { channelKeys } from '../channel-keys.js';
import { createPublisher, type PublishOutcome, type Publisher } from '../index.js';
import { unpackTail } from '../packet.js';

async function open(
  t: Test,
): Promise<{ server: TestRedis; redis: RedisClient; publisher: Publisher }> {
  const server = await startRedis(t);
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  return { server, redis, publisher: createPublisher({ redis, log: silentLog }) };
}

async function scriptCalls(redis: RedisClient): Promise<number> {
  const stats = await redis.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

const offsetOf = (outcome: PublishOutcome): number =>
  outcome.cls === 'reliable' ? outcome.offset : 0;

t.test('messages of one turn share script calls of at most 64, in order', async (t) => {
  const { redis, publisher } = await open(t);
  const say = (n: number): Promise<PublishOutcome> =>
    publisher.publish('room:1', { cls: 'reliable', kind: 'm', body: { text: String(n) } });
  await say(0);
  const before = await scriptCalls(redis);
  const outcomes = await Promise.all(Array.from({ length: 150 }, (_, at) => say(at + 1)));
  t.equal((await scriptCalls(redis)) - before, 3);
  t.same(
    outcomes.map(offsetOf),
    outcomes.map((_, at) => at + 2),
  );
  const rows = await redis.hgetallBuffer(channelKeys('room:1').history);
  const last = rows['151'];
  t.equal(last === undefined ? '' : unpackTail(last.subarray(8)).body['text'], '150');
});

t.test('a mid that is said twice in one turn has one place', async (t) => {
  const { publisher } = await open(t);
  const say = (mid: string): Promise<PublishOutcome> =>
    publisher.publish('room:1', { cls: 'reliable', kind: 'm', body: { text: mid }, mid });
  const outcomes = await Promise.all([say('a'), say('b'), say('a')]);
  t.same(outcomes.map(offsetOf), [1, 2, 1]);
  t.match(outcomes[2], { isRepeat: true });
});

t.test('other classes do not overtake what was said before in the channel', async (t) => {
  const { server, redis, publisher } = await open(t);
  // The first call of a script is refused and repeated with its body.
  await publisher.publish('room:1', { cls: 'reliable', kind: 'm', body: { text: 'loads it' } });
  const monitor = await server.client().monitor();
  const seen: string[] = [];
  monitor.on('monitor', (_time: string, args: string[]) => {
    if (args[0]?.toLowerCase() !== 'spublish') return;
    seen.push(String(args[2]).includes('first') ? 'first' : 'second');
  });
  t.teardown(() => monitor.disconnect());
  const body = (text: string) => ({ kind: 'm', body: { text } }) as const;
  await Promise.all([
    publisher.publish('room:1', { cls: 'reliable', ...body('first') }),
    publisher.publish('room:1', { cls: 'volatile', ...body('second') }),
  ]);
  await redis.ping();
  t.same(seen, ['first', 'second']);
});

t.test('a message that no reader could be sent is refused', async (t) => {
  const { publisher } = await open(t);
  const say = (cls: 'reliable' | 'latest' | 'volatile', length: number): Promise<PublishOutcome> =>
    publisher.publish('room:1', { cls, kind: 'n', body: { text: 'x'.repeat(length) } });
  for (const cls of ['reliable', 'latest', 'volatile'] as const) {
    await t.rejects(say(cls, 65_536), { code: 'GATEWAY_BAD_REQUEST' });
    t.match(await say(cls, 65_000), { cls });
  }
});

t.test('a failed call fails each of its messages, and the next one is tried anew', async (t) => {
  const { redis, publisher } = await open(t);
  const say = (): Promise<PublishOutcome> =>
    publisher.publish('room:1', { cls: 'reliable', kind: 'm', body: { text: 'x' } });
  await say();
  await redis.del(channelKeys('room:1').history);
  await redis.set(channelKeys('room:1').history, 'not a hash');
  const both = await Promise.allSettled([say(), say()]);
  t.same(
    both.map((one) => one.status),
    ['rejected', 'rejected'],
  );
  await redis.del(channelKeys('room:1').history);
  t.match(await say(), { cls: 'reliable' });
});
