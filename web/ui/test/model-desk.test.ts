// What the desks of models and staff do with what is typed and with sums that come in.
import t from 'tap';
import { valueOf, type CommandField } from '../src/admin/command-form.js';
import type { ModelRoom } from '../src/api/models.js';
import { toProblem } from '../src/api/problem.js';
import { reportCell, reportHeading } from '../src/admin/report-words.js';
import { chartOf, lastDays } from '../src/model/earned-days.js';
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
  showMaxSec: null,
  visitMaxSec: null,
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
  t.same(changesOf({ ...draftOf(room), showMinutes: '90' }, room), { showMaxSec: 5_400 });
  const short = { ...room, showMaxSec: 5_400 };
  t.same(changesOf({ ...draftOf(short), showMinutes: '' }, short), { showMaxSec: null });
  const paid: ModelRoom = { ...room, showType: 'paid', pricePerMinMilli: '6000' };
  const brief = { ...paid, visitMaxSec: 1_800 };
  t.same(changesOf({ ...draftOf(paid), visitMinutes: '30' }, paid), { visitMaxSec: 1_800 });
  t.same(changesOf({ ...draftOf(brief), visitMinutes: '' }, brief), { visitMaxSec: null });
  t.same(changesOf({ ...draftOf(room), visitMinutes: '0' }, room), {}, 'free: out of sight');
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
  for (const showMinutes of ['0', 'long', '10081', '1.5']) {
    t.same(Object.keys(faultsOf({ ...draft, showMinutes })), ['showMinutes']);
  }
  for (const visitMinutes of ['0', 'long', '1441', '1.5']) {
    const paid = { ...draft, showType: 'paid', price: '6' } as const;
    t.same(Object.keys(faultsOf({ ...paid, visitMinutes })), ['visitMinutes']);
    t.same(faultsOf({ ...draft, visitMinutes }), {}, 'free: out of sight');
  }
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

await t.test('days of the ledger become one bar each, refunds below the line', (t) => {
  t.same(lastDays(3, new Date('2026-03-01T00:30:00Z')), { from: '2026-02-27', to: '2026-03-01' });
  const zero = { showsMilli: '0', tipsMilli: '0', asStudioMilli: '0', refundedMilli: '0' };
  const chart = chartOf([
    { ...zero, day: '2026-02-28', netMilli: '1500' },
    { ...zero, day: '2026-03-01', netMilli: '-20' },
  ]);
  t.same(chart.values, [1.5, -0.02]);
  t.same(chart.atSec, [
    new Date(2026, 1, 28).getTime() / 1000,
    new Date(2026, 2, 1).getTime() / 1000,
  ]);
  t.end();
});

await t.test('a command is sent as exact milli-credits, and a wrong field is named', (t) => {
  const amount = { name: 'amountMilli', label: 'Amount', kind: 'signed' } as const;
  t.equal(valueOf(amount, '-2.5'), '-2500');
  t.equal(valueOf(amount, ' 7 '), '7000');
  t.equal(valueOf({ ...amount, isOptional: true }, ''), '');
  t.equal(valueOf({ name: 'ticket', label: 'Ticket' }, ' T-1 '), 'T-1');
  const faultOf = (text: string, field: CommandField = amount): unknown => {
    try {
      return valueOf(field, text);
    } catch (thrown) {
      return toProblem(thrown).fieldError('amountMilli');
    }
  };
  const wrong = 'Enter an amount such as 100 or 2.5.';
  t.equal(faultOf(''), 'This is needed.');
  t.equal(faultOf('--1'), wrong);
  t.equal(faultOf('-1', { ...amount, kind: 'credits' }), wrong);
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
