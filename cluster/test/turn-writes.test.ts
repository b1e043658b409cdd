// Writes of one turn of the event loop leave together, in order, and none is held back for longer.
import { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import t from 'tap';
import { startRedis, silentLog } from '../testing/index.js';
import { closeRedis, connectRedis } from '../redis.js';
import { joinWrites } from '../turn-writes.js';

class Sink extends Writable {
  /** One list per system call. */
  readonly calls: string[][] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.calls.push([chunk.toString()]);
    done();
  }

  override _writev(chunks: readonly { chunk: Buffer }[], done: () => void): void {
    this.calls.push(chunks.map(({ chunk }) => chunk.toString()));
    done();
  }
}

t.test('writes of one turn are one call', async (t) => {
  const sink = new Sink();
  joinWrites(sink);
  sink.write('a');
  await Promise.resolve();
  sink.write('b');
  t.same(sink.calls, [], 'nothing leaves before the end of the turn');
  await nextTurn();
  t.same(sink.calls, [['a', 'b']]);
  sink.write('c');
  await nextTurn();
  t.same(sink.calls, [['a', 'b'], ['c']]);
});

t.test('what was written before an end still leaves', async (t) => {
  const sink = new Sink();
  joinWrites(sink);
  sink.write('a');
  sink.end('b');
  await nextTurn();
  t.same(sink.calls.flat(), ['a', 'b']);
  t.ok(sink.writableFinished);
});

t.test('commands of one turn reach Redis in one read', async (t) => {
  const server = await startRedis(t);
  const client = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(client));
  const reads = async (): Promise<number> => {
    const stats = await server.client().info('stats');
    return Number(/total_reads_processed:(\d+)/.exec(stats)?.[1]);
  };
  const before = await reads();
  await Promise.all(Array.from({ length: 50 }, () => client.incr('n')));
  t.ok((await reads()) - before <= 5, 'one for the commands, one for the question, and spare');
  t.equal(await server.client().get('n'), '50');
});

t.test('command and money connections join their writes, those for pub/sub do not', async (t) => {
  const server = await startRedis(t);
  const isJoined = async (role: 'command' | 'money' | 'subscriber'): Promise<boolean> => {
    const client = await connectRedis(server.url, { role, name: role, log: silentLog });
    t.teardown(() => closeRedis(client));
    return client instanceof Redis && Object.hasOwn(client.stream, 'write');
  };
  const joined = [await isJoined('command'), await isJoined('money'), await isJoined('subscriber')];
  t.same(joined, [true, true, false]);
});
