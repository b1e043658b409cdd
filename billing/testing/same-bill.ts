// What must not change a bill: random scenes are played twice on a real Redis, differently, and
// must leave the same ledger: each charge, lot and wallet. No model says what is right here. Used
// by metamorphic.test.ts, with and without planted bugs.
import fc from 'fast-check';
import type { RedisClient } from '../../cluster/index.js';
import { SHARD_COUNT } from '../shard.js';
import type { Tariff } from '../tariff.js';
import { START_MS } from '../test/stage.js';
import { type Outcome, play, type Scene, type Staging, type Viewer } from './scene.js';

const PLAIN: Staging = {
  ...{ shard: 0, startMs: START_MS, copies: 1, sweeps: [] },
  ...{ isReversed: false, isGathered: false },
};
const MINUTE = 60_000n;

const big = (max: number, min = 0) => fc.integer({ min, max }).map(BigInt);
const tariff: fc.Arbitrary<Tariff> = fc.record({
  model: fc.constantFrom('m', 'm', 'u', 't'),
  price: fc.oneof(big(100), big(2_000_000)),
  ...{ shareBps: fc.constant(6_000), freeMs: fc.constantFrom(0n, 0n, 7_000n) },
  ...{ minCharge: fc.constantFrom(0n, 0n, 2_500n), unitMs: fc.constantFrom(MINUTE, 10_000n) },
  ...{ maxMs: fc.constantFrom(0n, 0n, 45_000n), maxCost: fc.constantFrom(0n, 0n, 70_000n) },
});

/** Who tips has enough for all: whether the last credit is tipped or shown depends on proofs. */
const viewer: fc.Arbitrary<Viewer> = fc
  .record({
    tariff,
    cash: fc.oneof(big(30_000), big(900_000), fc.constant(90_000_000n)),
    lots: fc.array(big(20_000, 1), { maxLength: 3 }),
    gaps: fc.array(fc.integer({ min: 1, max: 14_999 }), { maxLength: 9 }),
    tips: fc.array(fc.record({ atMs: fc.nat({ max: 90_000 }), amount: big(3_000, 1) }), {
      maxLength: 2,
    }),
    leavesMs: fc.integer({ min: 1, max: 14_999 }),
  })
  .map(({ gaps, leavesMs, tips, ...one }) => {
    const proofs = gaps.map((_, at) => gaps.slice(0, at + 1).reduce((sum, gap) => sum + gap, 0));
    const rich = one.cash > 50_000_000n ? tips : [];
    // A unit is a minute for all but started units.
    const { unitMs, model } = one.tariff;
    const whole = { ...one.tariff, unitMs: model === 'u' ? unitMs : MINUTE };
    const leaves = (proofs.at(-1) ?? 0) + leavesMs;
    return { ...one, tariff: whole, tips: rich, proofs, leavesMs: leaves };
  });

const scene: fc.Arbitrary<Scene> = fc.record({
  viewers: fc.array(viewer, { minLength: 1, maxLength: 4 }),
  down: fc.tuple(fc.nat({ max: 60_000 }), fc.nat({ max: 20_000 })).map(([from, ms]) => {
    return [from, from + ms] as const;
  }),
});

const text = (outcomes: readonly Outcome[]): string =>
  JSON.stringify(outcomes, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));

const mapViewers = (scene: Scene, change: (viewer: Viewer, at: number) => Viewer): Scene => ({
  ...{ ...scene, viewers: scene.viewers.map(change) },
});

/** How a scene is played the second time; `wanted` makes the first ledger the second. */
interface Variation<Extra> {
  readonly extra: fc.Arbitrary<Extra>;
  readonly vary: (scene: Scene, extra: Extra) => { scene?: Scene; staging?: Partial<Staging> };
  readonly wanted?: (first: readonly Outcome[], extra: Extra) => readonly Outcome[];
  readonly scenes?: fc.Arbitrary<Scene>;
}

export interface Verdict {
  /** Shows and tips that have cost something. */
  readonly paid: number;
  /** Scene and both ledgers; absent when the bills were the same. */
  readonly problem?: string;
}

/** Plays random scenes twice. @param params `numRuns` pairs; the same seed gives the same scenes */
export type Relation = (
  redis: RedisClient,
  params: { seed: number; numRuns: number; endOnFailure?: boolean },
) => Promise<Verdict>;

function relation<Extra>(variation: Variation<Extra>): Relation {
  const { extra, vary, wanted, scenes = scene } = variation;
  return async (redis, params) => {
    let paid = 0;
    const property = fc.asyncProperty(scenes, extra, async (first, more) => {
      const { scene: second = first, staging = {} } = vary(first, more);
      const before = await play(redis, first, PLAIN);
      const after = await play(redis, second, { ...PLAIN, shard: 1, ...staging });
      paid += before.filter((one) => one.paid.some((amount) => amount > 0n)).length;
      const due = text(wanted === undefined ? before : wanted(before, more));
      if (due !== text(after)) throw new Error(`${due}\nbut then ${text(after)}`);
    });
    const details = await fc.check(property, params);
    const problem = await fc.asyncDefaultReportMessage(details);
    return { paid, ...(problem === undefined ? {} : { problem }) };
  };
}

const instants = fc.array(fc.nat({ max: 150_000 }), { maxLength: 12 });

/** Whole milli-credits a millisecond: nothing is rounded, so all of it grows alike. */
const wholePrice = ({ model, price, ...rest }: Tariff): Tariff => {
  return { ...rest, model, price: model === 'm' ? (price / 20_000n) * MINUTE : price };
};

/** The bill is the same … */
export const RELATIONS = {
  'when the time between two proofs is split at any instants': relation({
    extra: instants,
    vary: (scene, extra) => ({
      scene: mapViewers(scene, (one) => {
        const more = extra.filter((atMs) => atMs <= one.leavesMs);
        return { ...one, proofs: [...one.proofs, ...more].sort((a, b) => a - b) };
      }),
    }),
  }),
  'when every command comes twice or three times': relation({
    extra: fc.integer({ min: 2, max: 3 }),
    vary: (_, copies) => ({ staging: { copies } }),
  }),
  'when proofs are lost, but never two in a row': relation({
    extra: fc.integer({ min: 0, max: 1 }),
    vary: (scene, odd) => ({
      scene: mapViewers(scene, (one) => ({
        ...{ ...one, proofs: one.proofs.filter((_, at) => at % 2 === odd) },
      })),
    }),
  }),
  'when proofs of the same instant come in one call': relation({
    scenes: scene.map((one) =>
      mapViewers(one, (viewer) => ({
        ...{ ...viewer, proofs: viewer.proofs.map((atMs) => atMs - (atMs % 5_000)) },
      })),
    ),
    extra: fc.constant(true),
    vary: (_, isGathered) => ({ staging: { isGathered } }),
  }),
  'when all clocks are shifted': relation({
    extra: fc.integer({ min: -500_000_000, max: 500_000_000 }),
    vary: (_, ms) => ({ staging: { startMs: START_MS + ms } }),
  }),
  'on another shard': relation({
    extra: fc.integer({ min: 1, max: SHARD_COUNT - 1 }),
    vary: (_, shard) => ({ staging: { shard } }),
  }),
  'when sweepers look at any instants, once or more often': relation({
    extra: fc.record({ sweeps: instants, times: fc.integer({ min: 1, max: 5 }) }),
    vary: (_, { sweeps, times }) => ({
      ...{ staging: { sweeps: Array.from({ length: times }, () => sweeps).flat() } },
    }),
  }),
  'when viewers act in another order, and sit on other wallets': relation({
    extra: fc.nat({ max: 1_000 }),
    vary: (scene, first) => {
      const turn = first % scene.viewers.length;
      const viewers = [...scene.viewers.slice(turn), ...scene.viewers.slice(0, turn)];
      return { scene: { ...scene, viewers }, staging: { isReversed: true } };
    },
    wanted: (outcomes, first) => {
      const turn = first % outcomes.length;
      return [...outcomes.slice(turn), ...outcomes.slice(0, turn)];
    },
  }),
  'times so much when prices and credits are': relation({
    scenes: scene.map((one) =>
      mapViewers(one, (viewer) => ({ ...viewer, tariff: wholePrice(viewer.tariff) })),
    ),
    extra: big(90, 2),
    vary: (scene, times) => ({
      scene: mapViewers(scene, (one) => ({
        ...{ ...one, cash: one.cash * times, lots: one.lots.map((lot) => lot * times) },
        tariff: {
          ...{ ...one.tariff, price: one.tariff.price * times },
          minCharge: one.tariff.minCharge * times,
          maxCost: one.tariff.maxCost * times,
        },
        tips: one.tips.map((tip) => ({ ...tip, amount: tip.amount * times })),
      })),
    }),
    wanted: (outcomes, times) =>
      outcomes.map(({ owned, billMs, paid, lots }) => ({
        ...{ owned: owned * times, billMs },
        ...{ paid: paid.map((one) => one * times), lots: lots.map((one) => one * times) },
      })),
  }),
} satisfies Record<string, Relation>;
