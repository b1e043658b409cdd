// Two builds of billing at work at once, as in a rolling deployment.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { defineScript } from '../../cluster/index.js';
import { silentLog } from '../../cluster/testing/index.js';
import { migrate } from '../migrator.js';
import { newSessionId, shardKeys, shardOfWallet } from '../shard.js';
import { grant, mismatches, startLedger, tip } from './stage.js';

t.test('an older build keeps its own scripts; a key of one is known to the other', async (t) => {
  const stage = await startLedger(t);
  await grant(stage, '42', 10_000n);
  const folder = await mkdtemp(join(tmpdir(), 'showbill-lua-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await cp(new URL('../lua', import.meta.url), folder, { recursive: true });
  const file = join(folder, 'tip-payee.lua');
  await writeFile(file, `${await readFile(file, 'utf8')}-- the build of last week\n`);
  const older = defineScript<{ key: string; amount: number }, string>({
    file: pathToFileURL(file),
    onMissing: 'fence',
    encode: ({ key, amount }) => {
      const { meta, bal, out, idem0, idem1 } = shardKeys(shardOfWallet('42'));
      const ids = [newSessionId(0, stage.clock.nowMs()), key, 'a'.repeat(16)];
      const argv = [stage.clock.nowMs(), '42', '7', '99', amount, 6_000, ...ids];
      return { keys: [meta, bal, out, idem0, idem1], argv };
    },
    decode: String,
  });
  await older.load(stage.redis);
  for (let at = 1; at <= 5; at += 1) {
    t.match(await older.run(stage.redis, { key: `older-${at}-x`, amount: 10 }), /^OK,0/);
    t.match(await tip(stage, { key: `newer-${at}-x`, amount: 10n }), { isDuplicate: false });
    t.match(await older.run(stage.redis, { key: `newer-${at}-x`, amount: 10 }), /^OK,1/);
    t.match(await tip(stage, { key: `older-${at}-x`, amount: 10n }), { isDuplicate: true });
  }
  t.match(await stage.engine.readWallet('42'), { owned: 9_900n });
  t.same(await mismatches(stage), []);
});

t.test('a build with another ledger schema does not start', async (t) => {
  const { database } = await startLedger(t);
  await database.run(
    "UPDATE schema_version SET checksum = REPEAT('0', 64) ORDER BY file DESC LIMIT 1",
  );
  await t.rejects(migrate(database, silentLog), /was edited after it had been applied/);
});
