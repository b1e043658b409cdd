// Two result files side by side: what is called better, worse, or the same.
import t from 'tap';
import type { Result, ResultFile } from '../lib/result.js';
import { resultTable } from '../lib/result.js';
import { change, compare } from '../report.js';

const base: Result = {
  name: '500 × 8',
  value: 0.4,
  unit: 'µs',
  better: 'less',
  spread: [0.38, 0.42],
  ceiling: { name: 'raw', value: 0.4 },
  ratio: 1,
  ratioSpread: [0.98, 1.02],
  peers: [{ name: 'ws', version: '8', value: 2.8, ratio: 0.14, ratioMax: 0.2 }],
  limitedBy: 'server',
  promise: 'ratio <= 1',
  isKept: true,
};

function file(results: readonly Result[], cores = 2): ResultFile {
  const machine = {
    ...{ cpu: 'X', cores, memoryGb: 1, os: 'L', node: 'v20', redis: '7', mariadb: '10' },
    ...{ commit: 'abc', isDirty: false, loadBefore: 0, freeMemoryGb: 1, startedAt: '' },
  };
  return {
    ...{ scenario: 'fanout', limitedBy: 'server', results, notes: [], machine },
    ...{ rounds: 5, isQuick: false, durationSec: 1 },
  };
}

t.test('a change counts only when the rounds do not overlap', (t) => {
  const slower: Result = { ...base, ratio: 1.2, ratioSpread: [1.15, 1.25] };
  t.match(change(base, slower), /worse.*\+20\.0 %/);
  t.match(change(slower, base), /^better/);
  t.match(change(base, { ...slower, ratioSpread: [1.0, 1.25] }), /^same/);
  t.end();
});

t.test('more is better where the unit is a rate', (t) => {
  const then: Result = { ...base, better: 'more', ratio: null, ratioSpread: null };
  t.match(change(then, { ...then, value: 0.8, spread: [0.7, 0.9] }), /^better.*\+100 %/);
  t.end();
});

t.test('new and vanished points and other machines are said', (t) => {
  const text = compare(file([base]), file([{ ...base, name: '500 × 32' }], 8));
  t.match(text, /\| 500 × 32 \|.*new/);
  t.match(text, /\| 500 × 8 \|.*gone/);
  t.match(text, /Different machines/);
  t.end();
});

t.test('a number that the generator limited is shown as a bound', (t) => {
  const text = resultTable([{ ...base, limitedBy: 'generator' }]);
  t.match(text, /≤ 0\.400/);
  t.match(resultTable([{ ...base, limitedBy: 'machine', better: 'more' }]), /≥ 0\.400/);
  t.notMatch(resultTable([base]), /[≤≥]/);
  t.match(text, /generator/);
  t.match(text, /ws 8.*0\.140.*<= 0\.200 kept/);
  t.end();
});
