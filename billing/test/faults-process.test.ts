// kill -9 of processes of billing at arbitrary moments: every key pays once, every entry is booked
// once.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { seededRandom, type TestScope, until } from '../../cluster/testing/index.js';
import { grant, type LedgerStage, mismatches, startLedger, tip } from './stage.js';

const ENTRY = fileURLToPath(new URL('./killed-process.ts', import.meta.url));
const KILLS = 2;

interface Started {
  readonly child: ChildProcess;
  readonly said: () => readonly string[];
  kill(): Promise<void>;
}

function start(t: TestScope, what: string, stage: LedgerStage, first = 0): Started {
  const { server, mariadb } = stage;
  const args = ['--import=tsx', ENTRY, what, server.url, mariadb.url, String(first)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit');
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const kill = async () => {
    child.kill('SIGKILL');
    await gone;
  };
  t.teardown(kill);
  // A last line without its end was cut by the kill.
  return { child, said: () => text.split('\n').slice(0, -1), kill };
}

t.test('an engine killed while it pays: every key pays once, asked again or not', async (t) => {
  const stage = await startLedger(t);
  const random = seededRandom(t);
  await grant(stage, '42', 1_000_000n);
  let next = 0;
  for (let round = 0; round < KILLS; round += 1) {
    const payer = start(t, 'tips', stage, next);
    const enough = random.int(50, 200);
    await until(() => payer.said().length >= enough, { what: 'tips', deadlineMs: 60_000 });
    await payer.kill();
    next = Number(payer.said().at(-1));
  }
  const { engine } = stage;
  const { owned } = await engine.readWallet('42');
  const paid = 1_000_000n - owned;
  t.ok(paid === BigInt(next) || paid === BigInt(next) + 1n, 'the last one happened or did not');
  const keys = Array.from({ length: next + 1 }, (_, number) => `killed-${number}`);
  const again = await Promise.all(keys.map((key) => tip(stage, { key, amount: 1n })));
  const unknown = again.slice(0, next).filter((one) => !one.isDuplicate);
  t.same(unknown, [], 'whatever was answered is remembered');
  t.equal((await engine.readWallet('42')).owned, 1_000_000n - BigInt(next + 1));
  t.same(await mismatches(stage), []);
});

t.test('settlers killed at work: every entry is booked once, in order', async (t) => {
  const stage = await startLedger(t);
  const random = seededRandom(t);
  const { database, engine } = stage;
  const wallets = Array.from({ length: 40 }, (_, at) => String(at + 1));
  for (const wallet of wallets) await grant(stage, wallet, 10_000n);
  let tips = 0;
  const booked = async () => {
    const [row] = await database.query(
      "SELECT COUNT(DISTINCT shard, epoch, seq) AS n FROM transfer WHERE code = 'tip'",
    );
    return Number(row?.['n']);
  };
  for (let round = 0; round < KILLS; round += 1) {
    const settler = start(t, 'settles', stage);
    await until(() => settler.said().length > 0, { what: 'the settler', deadlineMs: 60_000 });
    const enough = tips + random.int(1, 100);
    for (let at = 0; at < 200; at += 1) {
      tips += 1;
      await tip(stage, { key: `settle-${tips}`, amount: 3n, wallet: random.pick(wallets) });
    }
    await until(async () => (await booked()) >= enough, { what: 'entries', deadlineMs: 60_000 });
    await settler.kill();
  }
  t.same(await mismatches(stage), []);
  t.equal(await booked(), tips);
  const sums = await Promise.all(wallets.map((wallet) => engine.readWallet(wallet)));
  const left = sums.reduce((sum, one) => sum + one.owned, 0n);
  t.equal(left, 400_000n - BigInt(tips) * 3n);
});
