// A Redis that was killed in the middle of writing its log: each script is there as a whole or not
// at all. By night (SHOWBILL_FUZZ_ROUNDS above the length of the two scripts) every byte is tried.
import { readFile, writeFile } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import t from 'tap';
import { fuzzRounds } from '../../cluster/config.js';
import { seededRandom, until } from '../../cluster/testing/index.js';
import { shardKeys, shardOfWallet } from '../shard.js';
import { appendLog } from './append-log.js';
import { credit, goLive, open, startStage, tip, touch } from './stage.js';

const STARTS = fuzzRounds(100);

/** Everything that the shard's keys hold. */
async function photograph(client: Redis): Promise<string> {
  const keys = shardKeys(shardOfWallet('42'));
  const hashes = [keys.meta, keys.bal, keys.sess, keys.idem0, keys.idem1];
  const parts = await Promise.all(hashes.map((key) => client.hgetallBuffer(key)));
  const texts = parts.map((hash) =>
    Object.entries(hash)
      .map(([field, value]) => `${field}=${value.toString('hex')}`)
      .sort(),
  );
  return JSON.stringify([texts, await client.xrange(keys.out, '-', '+')]);
}

t.test('a log torn anywhere holds each script as a whole or not at all', async (t) => {
  const stage = await startStage(t, { appendFsync: 'always' });
  const { server, engine, clock } = stage;
  const random = seededRandom(t);
  const client = server.client();
  await credit(engine, '42', 50_000n);
  await goLive(stage);
  const { sessionId } = await open(stage);
  const log = await appendLog(client);
  const before = (await readFile(log)).length;
  const wholes = [await photograph(client)];
  clock.advance(20_000);
  await touch(stage, sessionId);
  wholes.push(await photograph(client));
  const between = (await readFile(log)).length;
  await tip(stage, { key: 'tip-key-001', amount: 700n });
  wholes.push(await photograph(client));
  const whole = await readFile(log);
  const places = [before, between - 1, between, whole.length - 1, whole.length];
  const isEvery = STARTS > whole.length - before;
  if (isEvery) for (let size = before; size < whole.length; size += 1) places.push(size);
  else while (places.length < STARTS) places.push(random.int(before, whole.length));
  t.comment(`${places.length} places among ${whole.length - before} bytes`);
  const seen: number[] = [];
  for (const size of places.sort((a, b) => a - b)) {
    await server.kill();
    await writeFile(log, whole.subarray(0, size));
    await server.start();
    await until(() => client.ping(), { what: 'the connection to be back' });
    seen.push(wholes.indexOf(await photograph(client)));
  }
  t.same([...new Set(seen)], [0, 1, 2], 'never anything between two scripts');
  t.same(
    seen,
    seen.toSorted((a, b) => a - b),
    'more bytes are never an older state',
  );
});
