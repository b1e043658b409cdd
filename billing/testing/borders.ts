// Histories written by hand that surely stand on the borders of the rules: the last millisecond of
// a gap, a tip of all that is left, a lot in its last instant. planted-bugs.test.ts finds each bug
// by them, whatever the seed of the random ones.
import type { Command, Step } from './history.js';

type Shortened = readonly [ms: number, command: Command];

const at = (...steps: readonly Shortened[]): readonly Shortened[] => steps;
const fund = (kind: Extract<Command, { type: 'fund' }>['kind'], amount = 0): Command => ({
  ...{ type: 'fund', w: 0, kind, amount },
});
const lot = (spec: number, amount: number): Command => ({ type: 'lot', w: 0, spec, amount });
const open = (tariff: number, room = 0): Command => ({ type: 'open', w: 0, room, tariff });
const tip = (amount: number, key = 0): Command => ({ type: 'tip', w: 0, key, amount });
const tipAll = (allAnd: number, key: number): Command => ({
  ...{ type: 'tip', w: 0, key, amount: 1, allAnd },
});
const limits = (...values: number[]): Command => ({ type: 'limits', w: 0, values });
const price = (tariff: number): Command => ({ type: 'price', room: 0, tariff });
const room = (isLive: boolean): Command => ({ type: 'room', room: 0, isLive });
const clock = (ms: number): Command => ({ type: 'clock', ms });
const endShow: Command = { type: 'show-end', room: 0 };
const touch: Command = { type: 'touch', at: [0] };
const touchTwice: Command = { type: 'touch', at: [0, 0] };
const end: Command = { type: 'end', at: 0 };
const sweep: Command = { type: 'sweep' };
const expire: Command = { type: 'expire', w: 0 };
const refund: Command = { type: 'refund', w: 0, at: 0, amount: 0 };
const LIVE: Shortened = [0, room(true)];

const HALF_A_DAY = 43_200_000;

/** Places in TARIFFS and LOT_SPECS of history.ts. */
const [MINUTE, FREE_AT_FIRST, STARTED, TICKET, LIMITED, TIMED] = [0, 3, 4, 6, 7, 8];
const [EVER, EVER_SHOWS, SHORT, , , FIRST_SHOWS, MINUTE_LATE] = [0, 1, 2, 3, 4, 5, 6];

const HISTORIES: Readonly<Record<string, readonly Shortened[]>> = {
  'a gap as long as it may be, and longer by a millisecond': [
    ...at(LIVE, [0, fund('credit', 60_000)], [0, open(MINUTE)]),
    ...at([30_000, touch], [30_000, sweep], [0, touch], [30_001, sweep], [0, touch], [0, end]),
  ],
  'a gap longer by a millisecond, seen by a proof of life first': [
    ...at(LIVE, [0, fund('credit', 60_000)], [0, open(MINUTE)], [10_000, touch]),
    ...at([30_001, touch], [0, end]),
  ],
  'credit that ends within a quantum': [
    ...at(LIVE, [0, fund('credit', 1_600)], [0, open(MINUTE)], [10_000, touch]),
    ...at([5_999, sweep], [1, sweep], [0, touch], [0, fund('credit', 900)], [0, open(MINUTE)]),
    ...at([8_999, touch], [1, touch], [0, touch], [0, end]),
  ],
  'two proofs of one session in a call': [
    ...at(LIVE, [0, fund('credit', 60_000)], [0, open(MINUTE)], [10_000, touchTwice]),
    ...at([10_000, touchTwice], [0, end]),
  ],
  'settled twice, then ended': [
    ...at(LIVE, [0, fund('credit', 60_000)], [0, open(MINUTE)], [25_000, touch], [25_000, touch]),
    ...at([25_000, touch], [25_000, touch], [25_000, touch], [25_000, touch], [5_000, end]),
  ],
  'tips of all that is left, of more, and again': [
    ...at([0, fund('credit', 5_000)], [0, tip(700)], [0, tip(700)], [0, tip(701)]),
    ...at([0, tipAll(1, 1)], [0, tipAll(1, 1)], [0, tipAll(-1, 2)], [0, tipAll(0, 3)]),
    ...at(
      LIVE,
      [0, fund('credit', 5_000)],
      [0, open(MINUTE)],
      [0, tipAll(1, 4)],
      [0, tipAll(0, 5)],
    ),
    ...at([15_000, touch], [0, end]),
  ],
  'keys on both sides of midnight, a freeze between two tips': [
    ...at([0, fund('credit', 9_000)], [0, tip(10)], [0, tip(20, 1)], [0, tip(20, 1)]),
    ...at([HALF_A_DAY, tip(30, 2)], [0, tip(40, 3)], [0, tip(40, 3)]),
    ...at([HALF_A_DAY - 3_600_000, tip(50, 4)], [0, tip(20, 1)], [0, tip(40, 3)], [0, tip(60, 5)]),
    ...at([0, tip(60, 5)], [0, fund('freeze')], [0, tip(70, 6)], [0, fund('unfreeze')]),
    ...at([0, tip(70, 6)], [0, tip(70, 7)]),
  ],
  'commands repeated, out of turn, too large; debt and freeze': [
    ...at([0, fund('credit', 5_000)], [0, fund('again')], [0, fund('ahead', 70)]),
    ...at([0, fund('too-much')], [0, fund('debit', 7_000)], [0, fund('again')]),
    ...at([0, fund('credit', 1_500)], [0, fund('credit', 9_000)], [0, fund('again')]),
    ...at(
      [0, fund('freeze')],
      [0, tip(5)],
      [0, open(MINUTE)],
      [0, fund('unfreeze')],
      [0, tip(5, 1)],
    ),
    ...at(LIVE, [0, open(MINUTE)], [0, fund('debit', 90_000)], [0, fund('freeze')], [0, touch]),
  ],
  'limits of a tip, a minute, a day, a show': [
    ...at([0, fund('credit', 90_000)], [0, limits(0, 0, 0, 1_000)], [0, tip(999)]),
    ...at([0, tip(1_000, 1)], [0, tip(1_001, 2)], [0, limits(0, 2_500, 0, 0)]),
    ...at([60_000, tip(2_000, 3)], [0, tip(501, 4)], [0, tip(500, 5)], [60_000, tip(2_500, 6)]),
    ...at([0, open(MINUTE)], [0, limits(0, 0, 9_000, 0)], [0, tip(1_501, 7)], [0, tip(1_500, 8)]),
    ...at(LIVE, [0, limits(2_000, 0, 0, 0)], [0, open(MINUTE)], [10_000, touch], [9_999, touch]),
    ...at([1, touch], [0, end], [0, limits(0, 6_000, 0, 0)], [0, open(MINUTE)], [0, end]),
    ...at([0, limits(0, 5_999, 0, 0)], [0, open(MINUTE)], [1_100_000, limits(0, 0, 3_000, 0)]),
    ...at([0, tip(3_000, 9)], [0, tip(1, 10)]),
  ],
  'lots in their order, to the last one': [
    ...at([0, fund('credit', 4_000)], [0, lot(EVER, 1_000)], [0, lot(MINUTE_LATE, 1_000)]),
    ...at([0, lot(SHORT, 1_000)], [0, lot(EVER_SHOWS, 1_000)], [0, lot(FIRST_SHOWS, 1_000)]),
    ...at([0, tip(1_500)], [0, refund], [0, tip(1_500, 1)], LIVE, [0, open(MINUTE)]),
    ...at([15_000, touch], [15_000, touch], [15_000, touch], [0, tipAll(1, 2)], [0, tipAll(0, 3)]),
    ...at([0, end], [0, refund]),
  ],
  'a lot in its last instant, spent, refunded and expired': [
    ...at([0, lot(SHORT, 900)], [0, lot(EVER_SHOWS, 500)], [0, fund('credit', 100)]),
    ...at([0, tip(300)], [0, refund], [19_999, expire], [0, tip(200, 1)], [1, tip(200, 2)]),
    ...at([0, refund], [0, expire], [0, expire], [0, tipAll(0, 3)]),
  ],
  'a lot that expires under a hold, and one that is ended': [
    ...at(LIVE, [0, lot(SHORT, 2_000)], [0, open(MINUTE)], [20_000, expire], [0, touch]),
    ...at([0, expire], [0, lot(EVER, 800)], [0, { type: 'end-lot', w: 0, at: 0 }]),
    ...at([0, fund('credit', 50)], [0, tipAll(0, 1)]),
  ],
  'a stream that is down, and comes back': [
    ...at(LIVE, [0, fund('credit', 60_000)], [0, open(MINUTE)], [5_000, room(false)]),
    ...at([5_000, touch], [5_000, room(true)], [5_000, touch], [3_000, room(false)]),
    ...at([4_000, room(true)], [3_000, touch], [1_000, room(false)], [9_000, end]),
  ],
  'prices that change: pro rata, within a started unit, from free to paid': [
    ...at(LIVE, [0, fund('credit', 900_000)], [0, open(MINUTE)], [5_000, price(1)]),
    ...at([5_000, touch], [1_000, price(MINUTE)], [9_000, touch], [0, end]),
    ...at([0, open(STARTED)], [20_000, price(MINUTE)], [20_000, touch], [20_001, touch], [0, end]),
    ...at([0, open(FREE_AT_FIRST)], [9_000, price(MINUTE)], [2_000, touch], [0, price(9)]),
    ...at([5_000, touch], [0, price(MINUTE)], [0, touch]),
  ],
  'free time, least charge, longest show, dearest show': [
    ...at(LIVE, [0, fund('credit', 900_000)], [0, open(FREE_AT_FIRST)], [10_000, touch]),
    ...at([1, touch], [10_000, touch], [0, end], [0, open(TIMED)], [25_000, touch]),
    ...at([19_999, touch], [1, touch], [0, open(LIMITED)], [24_000, touch], [600, touch]),
    ...at([100, touch], [0, touch]),
  ],
  'a ticket holds until the show or its time ends, whoever leaves or falls silent': [
    ...at(LIVE, [0, fund('credit', 50_000)], [0, open(TICKET)], [20_000, touch], [9_000, end]),
    ...at([5_000, open(TICKET)], [30_000, touch], [30_001, sweep], [0, limits(0, 0, 1, 0)]),
    ...at([0, open(MINUTE)], [20_000, price(STARTED)], [0, end], [0, fund('freeze')]),
    ...at([0, open(TICKET)], [0, fund('unfreeze')], [0, open(TICKET)], [30_000, touch]),
    ...at([6_000, touch], [0, limits(0, 0, 0, 0)], [0, open(TICKET)], [1_000, end], [0, endShow]),
    ...at(LIVE, [0, open(TICKET)], [1_000, endShow], LIVE, [0, open(TICKET)], [30_000, touch]),
    ...at([30_000, touch], [30_000, touch], [30_000, end], [0, open(TICKET)], [1_000, end]),
    ...at([0, open(MINUTE)], [9_000, end], [0, open(TICKET, 1)], [0, open(TICKET)]),
  ],
  'who leaves and comes back goes on with what is left of the show': [
    ...at(LIVE, [0, fund('credit', 900_000)], [0, open(FREE_AT_FIRST)], [4_000, end]),
    ...at([60_000, open(FREE_AT_FIRST)], [6_000, touch], [1, touch], [1_000, end]),
    ...at([0, open(FREE_AT_FIRST)], [4_000, touch], [1_000, touch], [0, end], [0, endShow], LIVE),
    ...at([0, open(TIMED)], [20_000, end], [0, open(TIMED)], [15_000, end], [0, open(TIMED)]),
    ...at([9_999, touch], [1, touch], [0, open(TIMED)], [0, open(MINUTE)], [0, end], [0, endShow]),
    ...at(LIVE, [0, open(LIMITED)], [12_000, end], [0, open(LIMITED)], [12_000, end]),
    ...at([0, open(LIMITED)], [600, touch], [100, touch], [0, open(LIMITED)], [0, endShow]),
    ...at(LIVE, [0, open(STARTED)], [20_000, end], [0, open(STARTED)], [10_000, end]),
    ...at([0, open(STARTED)], [30_000, touch], [1, touch], [0, end], [0, open(MINUTE)]),
    ...at([30_000, touch], [29_999, touch], [11, touch], [0, price(FREE_AT_FIRST)], [9_000, touch]),
    ...at([0, price(TIMED)], [0, touch], [0, endShow], LIVE, [0, open(MINUTE)], [20_000, end]),
    ...at([0, open(MINUTE)], [5_000, price(TIMED)], [19_999, touch], [1, touch]),
  ],
  'a clock that is an hour ahead, then right; an hour late; a little late': [
    ...at(LIVE, [0, fund('credit', 90_000)], [0, lot(MINUTE_LATE, 500)], [0, open(MINUTE)]),
    ...at([10_000, touch], [3_000, clock(3_600_000)], [7_000, touch], [3_000, clock(-3_600_000)]),
    ...at([7_000, touch], [10_000, touch], [0, lot(SHORT, 700)], [19_999, tip(100)]),
    ...at([0, touch], [1, expire], [0, limits(0, 0, 5_000, 0)], [0, clock(-3_600_000)]),
    ...at([10_000, touch], [0, clock(3_600_000)], [10_000, touch], [0, clock(20_000)]),
    ...at([0, touch], [5_000, clock(-20_000)], [10_000, touch], [10_000, touch], [1, end]),
  ],
  'paid by the unit that has begun': [
    ...at(LIVE, [0, fund('credit', 12_000)], [0, open(STARTED)], [30_000, touch], [30_000, touch]),
    ...at([1, touch], [29_999, touch], [30_000, touch], [1, touch]),
  ],
};

/** By name. */
export const BORDERS: ReadonlyMap<string, readonly Step[]> = new Map(
  Object.entries(HISTORIES).map(([name, steps]) => {
    return [name, steps.map(([ms, command]) => ({ ms, command }))];
  }),
);
