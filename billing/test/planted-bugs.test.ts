// Bugs planted into the money scripts: each must be caught by random histories, else the histories
// prove nothing.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { Script } from '../../cluster/index.js';
import { seededRandom, type TestScope } from '../../cluster/testing/index.js';
import * as scripts from '../scripts.js';
import { history, runHistory } from './history.js';
import { goLive, type Stage, startStage } from './stage.js';

/** Text of the scripts and what is put in its place. */
const BUGS: readonly (readonly [string, string, string])[] = [
  ['a gap of exactly three intervals', 'gap <= MAXGAP', 'gap < MAXGAP'],
  [
    'a tip of all that is left',
    'elseif amount > math.min(usable',
    'elseif amount >= math.min(usable',
  ],
  ['the limit of a tip', 'amount > w[LIM][TIPMAX]', 'amount < w[LIM][TIPMAX]'],
  ['cash is not debited', 'w[CASH] = w[CASH] - left', 'w[CASH] = w[CASH]'],
  ['the sum of the shard is forgotten', '  sum = sum - amount\n', '\n'],
  ['a hold is not given back', 'w[HELD] = w[HELD] - s[HOLD]', 'w[HELD] = w[HELD]'],
  ['a held part is charged and stays held', 'w[HELD] = w[HELD] - held', 'w[HELD] = w[HELD]'],
  ['the end is not in the outbox', "emit('x', sid,", "tostring('x', sid,"],
  ['a settlement is not in the outbox', "emit('c', sid,", "tostring('c', sid,"],
  ['a settlement is told twice', "s[SCOST], s[SBILL], s[LOTUSE] = s[CHARGED], s[BILL], '-'", ''],
  ['debt is not repaid', 'w[DEBT] = w[DEBT] - repaid', 'w[DEBT] = w[DEBT]'],
  ['a frozen wallet spends', 'if w[FLAGS] % 2 == FROZEN then\n  status', 'if false then\n  status'],
  ['a key is not remembered', "remember(field, ARGV[9], 'OK ' .. ARGV[7])", ''],
  ['spending is not counted', 'lim[DAYSPENT] = (lim[LIMDAY]', 'lim[10] = (lim[LIMDAY]'],
  ['a session past its end goes on', '>= s[GBILL]', '> s[GBILL] + 100000'],
  ['the wallet is not written', "redis.call('HSET', K.bal, unpack(args))", 'local _ = args'],
  ['a command is taken again', 'w[CMDSEQ] = cmdSeq', 'w[CMDSEQ] = cmdSeq - 1'],
];

const SCRIPTS = Object.values(scripts).filter((one) => one instanceof Script);

const HISTORIES = 60;
const STEPS = 300;

/** Puts the bug into every script that has the text. @returns how to take it out again */
async function plant(stage: Stage, from: string, to: string): Promise<() => void> {
  const hit = SCRIPTS.filter((script) => script.body.includes(from));
  if (hit.length === 0) throw new Error(`no script has: ${from}`);
  const before = hit.map(({ body, sha }) => ({ body, sha }));
  for (const script of hit) {
    const body = script.body.replaceAll(from, to);
    Object.assign(script, { body, sha: createHash('sha1').update(body).digest('hex') });
    await stage.redis.call('SCRIPT', 'LOAD', body);
  }
  return () => {
    hit.forEach((script, at) => Object.assign(script, before[at]));
  };
}

async function isCaught(t: TestScope, from: string, to: string, seed: number): Promise<boolean> {
  const stage = await startStage(t);
  await goLive(stage, '1');
  const restore = await plant(stage, from, to);
  try {
    for (let at = 0; at < HISTORIES; at += 1) {
      const [steps] = fc.sample(history(STEPS), { seed: seed + at, numRuns: 1 });
      const failed = await runHistory(steps ?? [], stage).then(
        () => false,
        () => true,
      );
      if (failed) return true;
    }
    return false;
  } finally {
    restore();
  }
}

t.test('planted bugs are caught', async (t) => {
  const { seed } = seededRandom(t);
  for (const [name, from, to] of BUGS) {
    await t.test(name, async (t) => {
      t.ok(await isCaught(t, from, to, seed));
    });
  }
});
