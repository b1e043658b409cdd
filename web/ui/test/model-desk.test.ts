// What the desks of models and staff do with what is typed and with sums that come in.
import t from 'tap';
import type { EarnedShow, ModelRoom } from '../src/api/models.js';
import { reportCell, reportHeading } from '../src/admin/report-words.js';
import { earnedByDay, statementCsv } from '../src/model/earned-days.js';
import { changesOf, draftOf, faultsOf, parseMenu } from '../src/model/room-draft.js';
import { freshSlot, slotDraftOf, slotFormOf } from '../src/model/slot-draft.js';

const room: ModelRoom = {
  id: '1',
  slug: 'mira',
  title: 'Mira live',
  topic: '',
  tags: ['music'],
  pricePerMinMilli: '0',
  showType: 'free',
  ticketMilli: '0',
  privateShow: null,
  privateViewerId: null,
  tipMenu: [{ label: 'Song', amountMilli: '20000' }],
  goal: null,
  timeZone: 'UTC',
  allowAnons: true,
  anonsSeeChat: true,
};

await t.test('a form that nobody touched changes nothing', (t) => {
  t.same(changesOf(draftOf(room), room), {});
  const rich: ModelRoom = {
    ...room,
    showType: 'paid',
    pricePerMinMilli: '6500',
    privateShow: { priceMilliPerMin: '12000', minimumSec: 120, graceSec: 10 },
    goal: { text: 'Dance', targetMilli: '50000' },
  };
  t.same(faultsOf(draftOf(rich)), {});
  t.same(changesOf(draftOf(rich), rich), {});
  t.end();
});

await t.test('only what was changed is sent, as exact milli-credits', (t) => {
  const draft = {
    ...draftOf(room),
    showType: 'paid' as const,
    price: '2.5',
    tags: 'Music, New Age',
  };
  t.same(changesOf(draft, room), {
    showType: 'paid',
    priceMilliPerMin: '2500',
    tags: ['music', 'new-age'],
  });
  const withPrivate = { ...draftOf(room), offersPrivate: true, privatePrice: '12' };
  t.same(changesOf(withPrivate, room), {
    privateShow: { priceMilliPerMin: '12000', minimumSec: 0, graceSec: 0 },
  });
  t.end();
});

await t.test('a show with a price cannot be saved without it', (t) => {
  const draft = draftOf(room);
  t.same(Object.keys(faultsOf({ ...draft, showType: 'paid' })), ['price']);
  t.same(Object.keys(faultsOf({ ...draft, showType: 'ticket', ticket: 'x' })), ['ticket']);
  t.same(Object.keys(faultsOf({ ...draft, privateGrace: '301' })), ['privateGrace']);
  t.same(Object.keys(faultsOf({ ...draft, privateMinutes: '1e3' })), ['privateMinutes']);
  t.same(Object.keys(faultsOf({ ...draft, goal: 'much' })), ['goal']);
  t.end();
});

await t.test('the tip menu is lines of words with an amount at their end', (t) => {
  t.same(parseMenu('Song request 20\n\nDance: 2.5'), [
    { label: 'Song request', amountMilli: '20000' },
    { label: 'Dance', amountMilli: '2500' },
  ]);
  t.equal(parseMenu('just words'), undefined);
  t.equal(parseMenu('Song 0'), undefined);
  t.end();
});

await t.test('an announced show keeps its moment through the form', (t) => {
  const slot = {
    id: '1',
    title: 'Evening',
    startsAt: '2026-11-21T20:00:00.000Z',
    endsAt: '2026-11-21T21:30:00.000Z',
  };
  const { id: _, ...rest } = slot;
  t.same(slotFormOf(slotDraftOf(slot)), rest);
  t.equal(slotFormOf(freshSlot(new Date())), undefined, 'it has no name yet');
  t.equal(slotFormOf({ title: 'x', starts: '', minutes: '60' }), undefined);
  t.end();
});

const visit = (openedMs: number, chargedMilli: string, refundedMilli = '0'): EarnedShow => ({
  sessionId: `s${String(openedMs)}`,
  viewerId: '7',
  openedMs,
  endedMs: openedMs + 60_000,
  billableMs: 60_000,
  chargedMilli,
  refundedMilli,
});

await t.test('visits are summed by day, empty days included, refunds taken off', (t) => {
  const now = new Date(2026, 10, 21, 12);
  const today = new Date(2026, 10, 21, 1).getTime();
  const shows = [visit(today, '6000', '1000'), visit(today + 1, '2000'), visit(0, '99000')];
  const rows = earnedByDay(shows, 3, now);
  t.same(
    rows.map(({ day, visits, paidMilli }) => [day, visits, paidMilli]),
    [
      ['2026-11-19', 0, 0n],
      ['2026-11-20', 0, 0n],
      ['2026-11-21', 2, 7000n],
    ],
  );
  t.end();
});

await t.test('the statement has one exact line per visit', (t) => {
  const [, line, end] = statementCsv([visit(0, '6005', '5')]).split('\r\n');
  t.equal(line, 's0,1970-01-01T00:00:00.000Z,1970-01-01T00:01:00.000Z,60,6.005,0.005,6.000');
  t.equal(end, '');
  t.end();
});

await t.test('columns of reports have names and credits that people read', (t) => {
  t.equal(reportHeading('purchaseRefundsMilli'), 'Purchase refunds');
  t.equal(reportHeading('day'), 'Day');
  t.equal(reportCell('grantsMilli', '-202500'), '-202.50');
  t.equal(reportCell('day', '2026-11-21'), '2026-11-21');
  t.equal(reportCell('visits', '2000'), '2000');
  t.end();
});
