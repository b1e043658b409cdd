// Random histories of billing commands: what can be asked, and how often each is. Used by
// histories.ts and, with planted bugs, by planted-bugs.test.ts; run by history-run.ts.
import fc from 'fast-check';
import { perMinute, type Tariff } from '../tariff.js';

export type Command =
  | { readonly type: 'fund'; readonly w: number; readonly kind: FundKind; readonly amount: number }
  | { readonly type: 'lot'; readonly w: number; readonly spec: number; readonly amount: number }
  | { readonly type: 'end-lot'; readonly w: number; readonly at: number }
  | { readonly type: 'expire'; readonly w: number }
  /** A tip or a show, counted from the last; 0 = all that is left of it. */
  | { readonly type: 'refund'; readonly w: number; readonly at: number; readonly amount: number }
  | { readonly type: 'open'; readonly w: number; readonly room: number; readonly tariff: number }
  | { readonly type: 'touch'; readonly at: readonly number[] }
  | { readonly type: 'end'; readonly at: number }
  | { readonly type: 'sweep' }
  | {
      readonly type: 'tip';
      readonly w: number;
      readonly key: number;
      readonly amount: number;
      /** Above or below all that is left, instead of `amount`. */
      readonly allAnd?: number;
    }
  | { readonly type: 'room'; readonly room: number; readonly isLive: boolean }
  /** Somebody sets the server's clock. */
  | { readonly type: 'clock'; readonly ms: number }
  | { readonly type: 'show-end'; readonly room: number }
  | { readonly type: 'price'; readonly room: number; readonly tariff: number }
  | { readonly type: 'limits'; readonly w: number; readonly values: readonly number[] };

/** `again` repeats the last command of the wallet, `ahead` leaves one out. */
export type FundKind = 'credit' | 'debit' | 'freeze' | 'unfreeze' | 'again' | 'ahead' | 'too-much';

export interface Step {
  /** Time that passes before the command. */
  readonly ms: number;
  readonly command: Command;
}

export const TARIFFS: readonly Tariff[] = [
  perMinute(6_000n, 6_000),
  perMinute(1_234_567n, 3_333),
  perMinute(7n, 5_000),
  { ...perMinute(60_000n, 6_000), freeMs: 10_000n, minCharge: 5_000n },
  { ...perMinute(5_000n, 7_500), model: 'u' },
  { ...perMinute(20_000n, 6_000), model: 'u', unitMs: 600_000n, freeMs: 3_000n },
  { ...perMinute(9_000n, 6_000), model: 't', maxMs: 120_000n },
  { ...perMinute(30_000n, 6_000), maxCost: 12_345n },
  { ...perMinute(6_000n, 6_000), maxMs: 45_000n },
  { ...perMinute(0n, 6_000), maxMs: 90_000n },
];

/** Life in ms (0 = for ever), priority and scope of the lots that are given. */
export const LOT_SPECS: readonly (readonly [number, bigint, 'any' | 'shows'])[] = [
  [0, 5n, 'any'],
  [0, 5n, 'shows'],
  [20_000, 5n, 'any'],
  [20_000, 5n, 'shows'],
  [300_000, 5n, 'any'],
  [300_000, 1n, 'shows'],
  [60_000, 9n, 'any'],
];

export const WALLETS = 3;
export const ROOMS = 2;
const SESSIONS = 5;

const index = (max: number) => fc.nat({ max: max - 1 });
const is = <T extends string>(type: T) => fc.constant(type);
const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const w = index(WALLETS);
const room = index(ROOMS);
const tariff = index(TARIFFS.length);
const amount = fc.oneof(fc.nat({ max: 3_000 }), fc.nat({ max: 200_000 }));
const limit = fc.oneof(fc.constant(0), fc.constant(0), fc.nat({ max: 60_000 }));
const kind = fc.oneof(
  often(12, is('credit')),
  often(2, is('debit')),
  often(1, is('freeze')),
  often(2, is('unfreeze')),
  often(1, fc.constantFrom('again' as const, 'ahead' as const, 'too-much' as const)),
);

const COMMANDS = {
  fund: fc.record({ type: is('fund'), w, kind, amount }),
  lot: fc.record({
    ...{ type: is('lot'), w, spec: index(LOT_SPECS.length) },
    amount: amount.map((one) => one + 1),
  }),
  'end-lot': fc.record({ type: is('end-lot'), w, at: index(3) }),
  expire: fc.record({ type: is('expire'), w }),
  refund: fc.record({
    ...{ type: is('refund'), w, at: index(8) },
    amount: fc.oneof(fc.constant(0), fc.nat({ max: 3_000 })),
  }),
  open: fc.record({ type: is('open'), w, room, tariff }),
  touch: fc.record({
    type: is('touch'),
    at: fc.array(index(SESSIONS), { minLength: 1, maxLength: 3 }),
  }),
  end: fc.record({ type: is('end'), at: index(SESSIONS) }),
  sweep: fc.record({ type: is('sweep') }),
  tip: fc.record({
    ...{ type: is('tip'), w, key: fc.nat({ max: 20 }), amount: fc.integer({ min: 1, max: 4_000 }) },
  }),
  'tip-all': fc.record({
    ...{ type: is('tip'), w, key: fc.nat(), amount: fc.constant(1) },
    allAnd: fc.integer({ min: -1, max: 1 }),
  }),
  room: fc.record({
    ...{ type: is('room'), room },
    isLive: fc.oneof(often(4, fc.constant(true)), often(1, fc.constant(false))),
  }),
  clock: fc.record({
    type: is('clock'),
    ms: fc.constantFrom(3_600_000, -3_600_000, 20_000, -20_000, -40_000),
  }),
  'show-end': fc.record({ type: is('show-end'), room }),
  price: fc.record({ type: is('price'), room, tariff }),
  limits: fc.record({
    ...{ type: is('limits'), w },
    values: fc.array(limit, { minLength: 4, maxLength: 4 }),
  }),
} satisfies Record<string, fc.Arbitrary<Command>>;

type Weights = Readonly<Record<keyof typeof COMMANDS, number>>;

const COMMON = { fund: 3, open: 3, end: 1, limits: 1 };

/** Two kinds of histories: mostly shows and their prices, mostly credits and how they are spent. */
const THEMES: Readonly<Record<'shows' | 'credits', Weights>> = {
  shows: {
    ...{ ...COMMON, touch: 10, sweep: 4, tip: 1, 'tip-all': 1, room: 4, price: 2 },
    ...{ 'show-end': 1, clock: 1, lot: 1, 'end-lot': 0, expire: 0, refund: 0 },
  },
  credits: {
    ...{
      ...COMMON,
      touch: 6,
      sweep: 2,
      tip: 3,
      'tip-all': 1,
      room: 1,
      price: 0,
      'show-end': 0,
      clock: 0,
    },
    ...{ lot: 4, 'end-lot': 1, expire: 2, refund: 2 },
  },
};

export type Theme = keyof typeof THEMES;

export function isTheme(text: string | undefined): text is Theme {
  return text !== undefined && Object.hasOwn(THEMES, text);
}

/** The same seed gives the same history. */
export function historyOf(theme: Theme, length: number, seed: number): readonly Step[] {
  const [steps = []] = fc.sample(history(theme, length), { seed, numRuns: 1 });
  return steps;
}

const arbitraries = new Map<string, fc.Arbitrary<Step[]>>();

function history(theme: Theme, length: number): fc.Arbitrary<Step[]> {
  const name = `${theme} ${length}`;
  const known = arbitraries.get(name) ?? newHistory(theme, length);
  arbitraries.set(name, known);
  return known;
}

function newHistory(theme: Theme, length: number): fc.Arbitrary<Step[]> {
  const weights = Object.entries(THEMES[theme]).filter(([, weight]) => weight > 0);
  const command: fc.Arbitrary<Command> = fc.oneof(
    ...weights.map(([name, weight]) => {
      return often(weight, COMMANDS[name as keyof Weights] as fc.Arbitrary<Command>);
    }),
  );
  const ms = fc.oneof(
    ...[fc.nat({ max: 15 }), fc.nat({ max: 12_000 }), fc.nat({ max: 45_000 })],
    // The borders of the rules: interval, quantum, longest gap, settlement.
    fc.constantFrom(10_000, 15_000, 30_000, 60_000),
  );
  const step = fc.record({ ms, command });
  return fc.array(step, { minLength: length, maxLength: length });
}
