// The command line of the benchmarks.
import t from 'tap';
import { parseArguments, ROUNDS, UsageError } from '../arguments.js';

const KNOWN = ['fanout', 'ticks'];

t.test('a scenario alone runs the full rounds and writes nothing', (t) => {
  t.same(parseArguments(['fanout'], KNOWN), {
    scenario: 'fanout',
    isQuick: false,
    isStrict: false,
    jsonFile: undefined,
    rounds: 5,
    profileDir: undefined,
    only: undefined,
  });
  t.end();
});

t.test('options may stand before and after the scenario', (t) => {
  const words = ['--quick', 'ticks', '--json', 'a.json', '--rounds', '7', '--only', 'ws'];
  t.match(parseArguments(words, KNOWN), {
    scenario: 'ticks',
    isQuick: true,
    jsonFile: 'a.json',
    rounds: 7,
    only: 'ws',
  });
  t.ok(parseArguments(['ticks', '--quick'], KNOWN).rounds < ROUNDS);
  t.equal(parseArguments(['ticks', '--strict'], KNOWN).isStrict, true);
  t.end();
});

t.test('what cannot be meant is refused with a sentence', (t) => {
  const cases: readonly [readonly string[], RegExp][] = [
    [[], /name a scenario, one of: fanout, ticks/],
    [['fan'], /no scenario fan; one of: fanout, ticks/],
    [['fanout', 'ticks'], /one scenario at a time/],
    [['fanout', '--fast'], /unknown option --fast/],
    [['fanout', '--json'], /--json needs a value/],
    [['fanout', '--json', '--quick'], /--json needs a value/],
    [['fanout', '--rounds', '0'], /--rounds must be a whole number/],
    [['fanout', '--rounds', '2.5'], /--rounds must be a whole number/],
    [['fanout', '--rounds', 'many'], /--rounds must be a whole number/],
  ];
  for (const [words, message] of cases) {
    t.throws(() => parseArguments(words, KNOWN), message, words.join(' '));
    t.throws(() => parseArguments(words, KNOWN), UsageError);
  }
  t.end();
});
