// What a model sees of its earnings: by day, by show, as a statement in its own time zone.
import t from 'tap';
import { milli } from '../../billing/index.js';
import { BroadcastEntity } from '../db/entities/broadcast.js';
import { staff, startSite } from './site-fixture.js';

const fixture = await startSite(t);
const { model, room } = await staff(fixture);
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;
const range = 'from=2026-03-29&to=2026-03-29';

t.test('days come from the ledger, for models alone', async (t) => {
  const path = `/api/v1/model/earnings/days?${range}`;
  t.match((await model.get(path)).json(), {
    days: [{ day: '2026-03-29', showsMilli: '1', refundedMilli: '-1', netMilli: '2' }],
  });
  const viewer = fixture.browser();
  await viewer.signUp('anna');
  t.equal(codeOf(await viewer.get(path)), 'NOT_A_MODEL');
  t.equal((await viewer.get(`/api/v1/model/earnings/statement.csv?${range}`)).statusCode, 403);
});

t.test('each show that was on the air has what it earned, page by page', async (t) => {
  const rows = Array.from({ length: 23 }, (_, n) => ({
    ...{ roomId: room.id, title: `Show ${n}`, showType: 'paid' as const, viewersMax: n },
    startedAt: new Date(1_760_000_000_000 + n * 3_600_000),
    endedAt: n === 22 ? null : new Date(1_760_000_000_000 + n * 3_600_000 + 60_000),
  }));
  await fixture.database.repository(BroadcastEntity).insert(rows);
  const page = async (query: string) =>
    (await model.get(`/api/v1/model/earnings/shows${query}`)).json<{
      shows: { title: string; showsMilli: string; endedAt: string | null }[];
      next?: string;
    }>();
  const first = await page('');
  t.equal(first.shows.length, 20);
  t.match(first.shows[0], { title: 'Show 22', endedAt: null, showsMilli: '1500' });
  const rest = await page(`?cursor=${first.next ?? ''}`);
  t.same(
    rest.shows.map((one) => one.title),
    ['Show 2', 'Show 1', 'Show 0'],
  );
  t.notOk(rest.next);
});

t.test('the statement has every entry of its days, in the time zone of the room', async (t) => {
  await model.patch('/api/v1/model/room', { timeZone: 'Europe/Berlin' });
  const at = (iso: string) => Date.parse(iso);
  const entry = (id: number, bookedMs: number, more: object = {}) => ({
    ...{ id: String(id), kind: 'show' as const, amountMilli: milli(1_500n), atMs: bookedMs },
    ...{ bookedMs, sessionId: `S${id}`, ...more },
  });
  const { entries } = fixture.finance;
  entries.push(entry(900, at('2026-03-29T22:00:00Z')));
  entries.push(entry(899, at('2026-03-29T21:59:59Z'), { kind: 'tip', tipId: '=HYPERLINK("x")' }));
  for (let id = 898; id > 400; id -= 1) entries.push(entry(id, at('2026-03-29T01:30:00Z')));
  entries.push(entry(400, at('2026-03-28T23:00:00Z'), { amountMilli: -20n, kind: 'refund' }));
  entries.push(entry(399, at('2026-03-28T22:59:59Z')));

  const answer = await model.get(`/api/v1/model/earnings/statement.csv?${range}`);
  t.match(answer.headers, {
    'content-type': /^text\/csv/,
    'content-disposition': 'attachment; filename="statement-2026-03-29-2026-03-29.csv"',
  });
  const lines = answer.body.split('\r\n');
  t.equal(lines[0], 'booked,charged,kind,reference,credits');
  const late = '2026-03-29T23:59:59+02:00';
  t.equal(lines[1], `${late},${late},tip,S899,1.500`);
  t.match(lines[2], /^2026-03-29T03:30:00\+02:00,/, 'summer time has begun that night');
  t.equal(lines.at(-2), '2026-03-29T00:00:00+01:00,2026-03-29T00:00:00+01:00,refund,S400,-0.020');
  t.equal(lines.length, 1 + 500 + 1, 'all pages, and nothing of the days around');
  t.equal(lines.at(-1), '');
});

t.test('no cell of a statement is a formula', async (t) => {
  const { entries } = fixture.finance;
  entries.length = 0;
  const base = { kind: 'tip' as const, amountMilli: -1n, atMs: 1_790_000_000_000 };
  const hostile = ['=1+1', '+1', '-cmd', '@x', '\tx', 'a,"b"', 'a\r\nb'];
  hostile.forEach((tipId, n) =>
    entries.push({ ...base, id: String(9 - n), bookedMs: base.atMs, tipId }),
  );
  const csv = await model.get('/api/v1/model/earnings/statement.csv?from=2026-01-01&to=2026-12-31');
  for (const cell of ["'=1+1", "'+1", "'-cmd", "'@x", "'\tx", '"a,""b"""', '"a\r\nb"']) {
    t.ok(csv.body.includes(`,tip,${cell},-0.001`), JSON.stringify(cell));
  }
});

t.test('billing that is away is a problem, not half a file', async (t) => {
  fixture.finance.refuseNext('BILLING_SUBJECT_UNKNOWN');
  const answer = await model.get(`/api/v1/model/earnings/statement.csv?${range}`);
  t.equal(codeOf(answer), 'FINANCE_REFUSED');
  t.match(answer.headers['content-type'], /^application\/problem\+json/);
});
