// CPU accounting of processes, and the order of interleaved rounds.
import t from 'tap';
import { interleave, orderOfRound } from '../lib/interleave.js';
import { cpuMicros, cpuMicrosOfStat, residentBytes } from '../lib/process-cpu.js';

t.test('a stat line is read past a command name with parentheses', (t) => {
  const fields = Array.from({ length: 49 }, (_, at) => String(at));
  // After the name: state is field 0, utime 11, stime 12.
  t.equal(cpuMicrosOfStat(`42 (no) de (x) ${fields.join(' ')}`), (11 + 12) * 10_000);
  t.end();
});

t.test('the CPU time of a process grows while it works', (t) => {
  const before = cpuMicros(process.pid);
  let sum = 0;
  for (let at = 0; at < 2e6; at += 1) sum += Math.sqrt(at);
  t.ok(sum > 0);
  t.ok(cpuMicros(process.pid) > before);
  t.ok(residentBytes(process.pid) > 1e6);
  t.end();
});

t.test('rounds rotate, so that nobody is always first, and warm-ups are not counted', async (t) => {
  t.same(orderOfRound(['a', 'b', 'c'], 1), ['b', 'c', 'a']);
  t.same(orderOfRound([], 3), []);
  const a = { name: 'a' };
  const b = { name: 'b' };
  const order: string[] = [];
  const values = await interleave([a, b], { rounds: 2, warmUps: 1 }, ({ name }, round) => {
    order.push(name);
    return Promise.resolve(round);
  });
  t.same(order, ['a', 'b', 'a', 'b', 'b', 'a']);
  t.same(values.get(a), [0, 1]);
});
