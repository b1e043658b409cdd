// Random calls of two billing processes for one viewer, as commands of fast-check, run one after
// the other or all at once in an order that its scheduler picks. Used by interleavings.test.ts.
import fc from 'fast-check';
import { newRun, type Run } from './run.js';
import type { Site } from './site.js';
import type { Witness } from './witness.js';

class Call implements fc.AsyncCommand<Witness, Run> {
  constructor(
    private readonly name: string,
    private readonly work: (run: Run) => Promise<unknown>,
    private readonly needs: 'nothing' | 'show' | 'tip' = 'nothing',
  ) {}

  check({ show, tipIds }: Readonly<Witness>): boolean {
    if (this.needs === 'show') return show !== undefined;
    return this.needs === 'nothing' || tipIds.size > 0;
  }

  /** Under a scheduler the next call begins while this one waits for its turn. */
  async run(_: Witness, run: Run): Promise<void> {
    const call = run.begin(() => this.work(run));
    if (!run.isScheduled) await call;
  }

  toString(): string {
    return this.name;
  }
}

const at = fc.nat({ max: 1 });
const key = fc.nat({ max: 2 });
const amount = fc.integer({ min: 1, max: 3_000 }).map(BigInt);
/** Now and then the same key comes with another amount. */
const amountOf = (key: number, other: bigint | undefined): bigint =>
  other ?? BigInt(key + 1) * 700n;
const other = fc.oneof(
  { weight: 7, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: amount },
);

const wait = fc.constantFrom(400, 3_000, 5_000, 10_000, 31_000).map((ms) => {
  return new Call(`wait ${ms}`, (run) => {
    run.passTime(ms);
    return Promise.resolve();
  });
});
const open = fc.record({ at, key }).map(({ at, key }) => {
  return new Call(`open ${key} at ${at}`, (run) => run.open(at, key));
});
const touch = at.map((at) => new Call(`touch at ${at}`, (run) => run.touch(at), 'show'));
const end = at.map((at) => new Call(`end at ${at}`, (run) => run.end(at), 'show'));
const sweep = at.map((at) => new Call(`sweep at ${at}`, (run) => run.sweep(at), 'show'));
const settle = at.map((at) => new Call(`settle at ${at}`, (run) => run.settle(at)));
const apply = at.map((at) => new Call(`apply at ${at}`, (run) => run.apply(at)));
const tip = fc.record({ at, key, other }).map(({ at, key, other }) => {
  const milli = amountOf(key, other);
  return new Call(`tip ${key} of ${milli} at ${at}`, (run) => run.tip(at, key, milli));
});
const grant = fc.record({ at, key, other }).map(({ at, key, other }) => {
  const milli = amountOf(key, other);
  return new Call(`grant ${key} of ${milli} at ${at}`, (run) => run.grant(at, key, milli));
});
const part = fc.option(amount, { nil: undefined, freq: 2 });
const refundTip = fc.record({ at, key, of: key, part }).map(({ at, key, of, part }) => {
  const what = { of, ...(part === undefined ? {} : { amountMilli: part }) };
  const name = `refund ${key} of tip -${of}: ${part} at ${at}`;
  return new Call(name, (run) => run.refund(at, key, what), 'tip');
});
const refundShow = fc.record({ at, key, part }).map(({ at, key, part }) => {
  const what = part === undefined ? {} : { amountMilli: part };
  const name = `refund ${key} of the show: ${part} at ${at}`;
  return new Call(name, (run) => run.refund(at, key, what), 'show');
});

const calls = fc.noBias(
  fc.commands(
    [
      ...[open, open, touch, touch, wait, wait, tip, tip, end, sweep, grant, apply],
      ...[settle, settle, refundTip, refundTip, refundShow],
    ],
    { maxCommands: 30, size: 'max' },
  ),
);

/** Each call ends before the next begins. */
export function oneByOne(site: Site) {
  return fc.asyncProperty(calls, (commands) =>
    judged(site, (setup) => fc.asyncModelRun(setup, commands)),
  );
}

/** Calls overlap, their steps in any order. */
export function interleaved(site: Site) {
  const { steps } = site;
  const scheduler = fc.scheduler({
    act: async (step) => {
      await step();
      await steps.standStill();
    },
  });
  return fc.asyncProperty(scheduler, calls, (scheduler, commands) =>
    judged(site, async (setup) => {
      steps.scheduler = scheduler;
      try {
        await fc.scheduledModelRun(scheduler, setup, commands);
      } finally {
        steps.scheduler = undefined;
      }
    }),
  );
}

type Setup = () => { model: Witness; real: Run };

async function judged(site: Site, play: (setup: Setup) => Promise<void>): Promise<void> {
  const run = await newRun(site);
  await play(() => ({ model: run.witness, real: run }));
  const problems = await run.judge();
  if (problems.length > 0) throw new Error(problems.join('\n'));
}
