// Offers, cut-offs, pushed terms and the credit clock of a room; and the layout of the list.
import t from 'tap';
import { parseProblem } from '../src/api/problem.js';
import type { Room } from '../src/api/rooms.js';
import { layOut } from '../src/lobby/room-filter.js';
import { creditEndsAtMs } from '../src/room/credit-clock.js';
import { describeCut, isKnownCut, readOffer, reasonOfEnd } from '../src/room/room-state.js';
import { applyTerms } from '../src/room/room-terms.js';
import { goalPercent, readGoal, readLeaders } from '../src/room/room-values.js';

const model = (name: string) => ({ id: '3', name, about: '', avatarUrl: null });

function room(fields: Partial<Room> = {}): Room {
  return {
    id: '1',
    slug: 'nova',
    title: 'Title',
    topic: 'Topic',
    tags: [],
    model: model('Nova'),
    isLive: true,
    isPrivate: false,
    showType: 'paid',
    pricePerMinMilli: '6000',
    ticketMilli: '0',
    privateShow: null,
    viewers: 3,
    startedAt: null,
    lastLiveAt: null,
    previewUrl: null,
    ...fields,
  };
}

await t.test('the offer shows the price and balance of the answer', (t) => {
  const problem = parseProblem(402, {
    code: 'PAYMENT_REQUIRED',
    priceMilliPerMin: '7000',
    balance: '500',
    isLive: false,
  });
  t.same(readOffer(problem, room()), {
    showType: 'paid',
    ticketMilli: '0',
    priceMilliPerMin: '7000',
    balanceMilli: '500',
    isLive: false,
  });
  t.end();
});

await t.test('without details the offer falls back to what the room page knows', (t) => {
  const anonymous = parseProblem(401, { code: 'UNAUTHENTICATED' });
  t.match(readOffer(anonymous, room()), { priceMilliPerMin: '6000', isLive: true });
  const ticket = { code: 'PAYMENT_REQUIRED', showType: 'ticket', ticketMilli: '9000' };
  t.match(readOffer(parseProblem(402, ticket), room()), {
    showType: 'ticket',
    ticketMilli: '9000',
  });
  const odd = readOffer(parseProblem(402, { showType: 'circus' }), room());
  t.equal(odd.showType, 'paid', 'an unknown kind is not believed');
  const notLive = parseProblem(409, { code: 'SHOW_NOT_LIVE' });
  t.equal(readOffer(notLive, room()).isLive, false);
  t.end();
});

await t.test('every reason of a cut-off has words, an unknown one is shown as it came', (t) => {
  t.equal(describeCut('insufficient_credit').title, 'Your credits have run out');
  t.equal(describeCut('banned').canReturn, false);
  t.match(describeCut('solar_flare').text, /solar_flare/);
  t.equal(isKnownCut('toString'), false);
  t.equal(reasonOfEnd('cutoff', undefined), 'ended');
  t.equal(reasonOfEnd('cutoff', 'solar_flare'), 'solar_flare');
  t.equal(reasonOfEnd('kicked', 'role'), 'role', 'who got another role was not thrown out');
  t.match(describeCut('role').text, /Come in again/);
  t.equal(reasonOfEnd('kicked', 'was rude'), 'kicked');
  t.equal(reasonOfEnd('banned', 'role'), 'banned');
  t.equal(describeCut('toString').canReturn, true);
  t.end();
});

await t.test('pushed terms change the room, malformed ones do not', (t) => {
  const next = applyTerms(room(), { live: false, title: 'New', price: '0' });
  t.match(next, { isLive: false, title: 'New', topic: 'Topic', pricePerMinMilli: '0' });
  t.same(applyTerms(room(), { live: 'yes', price: '-1', title: {} }), room());
  const terms = { showType: 'ticket', ticketMilli: '30000', tags: ['jazz'] };
  t.match(applyTerms(room(), terms), terms);
  t.same(applyTerms(room(), { showType: 'gratis', ticketMilli: 'x', tags: 'jazz' }), room());
  t.end();
});

await t.test(
  'the credit ends when the newest balance is used up, not before what is granted',
  (t) => {
    const entry = { channel: 'room:1', priceMilliPerMin: '6000', grantedUntilMs: 20_000 };
    const balance = { amount: '6000', held: '1000', version: 1, atMs: 10_000 };
    t.equal(creditEndsAtMs(entry, balance, '6000'), 70_000);
    t.equal(creditEndsAtMs(entry, { ...balance, amount: '500' }, '6000'), 20_000);
    t.equal(creditEndsAtMs(entry, undefined, '6000'), 20_000);
    t.equal(creditEndsAtMs(entry, balance, '0'), undefined);
    t.end();
  },
);

await t.test('live rooms stand first by viewers, the others keep the order of the server', (t) => {
  const rooms = [
    room({ id: '1', viewers: 1, model: model('B') }),
    room({ id: '2', isLive: false }),
    room({ id: '3', viewers: 9 }),
    room({ id: '4', viewers: 1, model: model('A') }),
    room({ id: '5', isLive: false }),
  ];
  const view = layOut(rooms);
  t.same(
    view.live.map((one) => one.id),
    ['3', '4', '1'],
  );
  t.same(
    view.resting.map((one) => one.id),
    ['2', '5'],
  );
  t.end();
});

await t.test('goal and leaderboard are read with care', (t) => {
  const goal = readGoal({ target: '50000', sum: '12500', text: 'dance' });
  t.same(goal, { targetMilli: '50000', sumMilli: '12500', text: 'dance' });
  if (goal) t.equal(goalPercent(goal), 25);
  t.equal(goalPercent({ targetMilli: '3', sumMilli: '9', text: '' }), 100);
  t.equal(readGoal({ target: '0', sum: '0' }), undefined, 'no goal');
  for (const body of [null, {}, { target: '-5', sum: '1' }, { target: '5', sum: 'x' }]) {
    t.equal(readGoal(body), undefined);
  }
  const top = [{ id: '7', name: 'anna', amount: '5000' }, { name: 'x' }, null, 'y'];
  t.same(readLeaders({ top }), [{ id: '7', name: 'anna', amountMilli: '5000' }]);
  t.same(readLeaders({ top: 'all' }), []);
  t.end();
});
