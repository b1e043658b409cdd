// The command line of `npm run bench`. Pure, so that a test can hold it. All problems end in one
// line.

export interface BenchOptions {
  readonly scenario: string;
  /** Where the result is written as JSON; nowhere when undefined. */
  readonly jsonFile: string | undefined;
  /** Interleaved rounds; each measures every contender once. */
  readonly rounds: number;
  /**
   * Small counts, for a look at whether everything works; numbers of such a run are not results.
   */
  readonly isQuick: boolean;
  /** Directory for CPU profiles of the servers under test. */
  readonly profileDir: string | undefined;
  /** Ends with 1 when a promise is not kept. */
  readonly isStrict: boolean;
  /** Only contenders and points whose name contains this. */
  readonly only: string | undefined;
}

export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

export const ROUNDS = 5;
const ROUNDS_QUICK = 2;
const ROUNDS_MAX = 99;
const WITH_VALUE = new Set(['--json', '--rounds', '--profile', '--only']);
const WITHOUT_VALUE = new Set(['--quick', '--strict']);

/** @throws UsageError */
export function parseArguments(
  argv: readonly string[],
  scenarios: readonly string[],
): BenchOptions {
  const values = new Map<string, string>();
  const flags = new Set<string>();
  const names: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (WITHOUT_VALUE.has(word)) {
      flags.add(word);
    } else if (WITH_VALUE.has(word)) {
      at += 1;
      const value = argv[at];
      if (value === undefined || value.startsWith('--'))
        throw new UsageError(`${word} needs a value`);
      values.set(word, value);
    } else if (word.startsWith('-')) {
      throw new UsageError(`unknown option ${word}`);
    } else {
      names.push(word);
    }
  }
  const [scenario, ...more] = names;
  const known = `one of: ${scenarios.join(', ')}`;
  if (scenario === undefined) throw new UsageError(`name a scenario, ${known}`);
  if (more.length > 0) throw new UsageError(`one scenario at a time, not also ${more.join(' ')}`);
  if (!scenarios.includes(scenario)) throw new UsageError(`no scenario ${scenario}; ${known}`);
  const isQuick = flags.has('--quick');
  return {
    scenario,
    isQuick,
    isStrict: flags.has('--strict'),
    jsonFile: values.get('--json'),
    rounds: roundsOf(values.get('--rounds'), isQuick),
    profileDir: values.get('--profile'),
    only: values.get('--only'),
  };
}

function roundsOf(text: string | undefined, isQuick: boolean): number {
  if (text === undefined) return isQuick ? ROUNDS_QUICK : ROUNDS;
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) {
    throw new UsageError(`--rounds must be a whole number from 1 to ${ROUNDS_MAX}, not ${text}`);
  }
  return rounds;
}
