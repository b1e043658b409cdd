// What a model sees of its earnings: by day, by show, as a statement in its own time zone.
import t from 'tap';
import { BroadcastEntity } from '../db/entities/broadcast.js';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const { model, modelUser, room } = await staff(fixture);
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;
const range = 'from=2026-03-29&to=2026-03-29';
const SHOWS_FROM_MS = 1_760_000_000_000;
const HOUR_MS = 3_600_000;
const at = (iso: string) => Date.parse(iso);

// One real tip opens the accounts; what was earned long ago is written into the ledger's past.
const fan = fixture.browser();
const { id: fanId } = await fan.signUp('fan');
await money.fund(fanId, 10_000n);
const tipped = await fan.post('/api/v1/rooms/mira/tips', { key: 'tip-0000001', amountMilli: '10' });
await money.settled('tip', tipped.json<{ tipId: string }>().tipId);
const accountOf = async (kind: string, owner: string): Promise<unknown> => {
  const where = 'SELECT id FROM account WHERE kind = ? AND owner_ref = ?';
  return (await money.rows(where, [kind, owner]))[0]?.['id'];
};
const wallet = await accountOf('wallet', fanId);
const earnings = await accountOf('earnings', modelUser.id);

interface Past {
  readonly code: 'show' | 'tip' | 'refund_share';
  readonly atMs: number;
  readonly amount?: number;
  readonly source: string;
}

/** Oldest first, as they would have been booked. */
async function book(past: readonly Past[]): Promise<void> {
  const rows = past.map(({ code, atMs, amount = 1_500, source }) => {
    const sides = code === 'refund_share' ? [earnings, wallet] : [wallet, earnings];
    return [code, ...sides, amount, source, atMs, atMs];
  });
  await money.change(
    `INSERT INTO transfer (code, debit_account, credit_account, amount, session_id, occurred_ms,
       booked_ms) VALUES ?`,
    [rows],
  );
}

const night = at('2026-03-29T01:30:00Z');
await book([
  { code: 'show', atMs: SHOWS_FROM_MS + 20 * HOUR_MS + 30_000, source: 'S20' },
  { code: 'show', atMs: at('2026-03-28T22:59:59Z'), source: 'S399' },
  { code: 'refund_share', atMs: at('2026-03-28T23:00:00Z'), amount: 20, source: 'S400' },
  ...Array.from({ length: 498 }, (_, n) => {
    return { code: 'show' as const, atMs: night, source: `S${n + 401}` };
  }),
  { code: 'tip', atMs: at('2026-03-29T21:59:59Z'), source: 'T899' },
  { code: 'show', atMs: at('2026-03-29T22:00:00Z'), source: 'S900' },
]);

t.test('days come from the ledger, for models alone', async (t) => {
  const path = '/api/v1/model/earnings/days?from=2026-03-28&to=2026-03-29';
  t.match((await model.get(path)).json(), {
    days: [
      { day: '2026-03-28', showsMilli: '1500', refundedMilli: '-20', netMilli: '1480' },
      { day: '2026-03-29', showsMilli: '748500', tipsMilli: '1500', netMilli: '750000' },
    ],
  });
  const viewer = fixture.browser();
  await viewer.signUp('anna');
  t.equal(codeOf(await viewer.get(path)), 'NOT_A_MODEL');
  t.equal((await viewer.get(`/api/v1/model/earnings/statement.csv?${range}`)).statusCode, 403);
});

t.test('each show that was on the air has what it earned, page by page', async (t) => {
  const rows = Array.from({ length: 23 }, (_, n) => ({
    ...{ roomId: room.id, title: `Show ${n}`, showType: 'paid' as const, viewersMax: n },
    startedAt: new Date(SHOWS_FROM_MS + n * HOUR_MS),
    endedAt: n === 22 ? null : new Date(SHOWS_FROM_MS + n * HOUR_MS + 60_000),
  }));
  await fixture.database.repository(BroadcastEntity).insert(rows);
  const page = async (query: string) =>
    (await model.get(`/api/v1/model/earnings/shows${query}`)).json<{
      shows: { title: string; showsMilli: string; endedAt: string | null }[];
      next?: string;
    }>();
  const first = await page('');
  t.equal(first.shows.length, 20);
  t.match(first.shows[0], { title: 'Show 22', endedAt: null, showsMilli: '750000' });
  t.match(first.shows[1], { title: 'Show 21', showsMilli: '0' });
  t.match(first.shows[2], { title: 'Show 20', showsMilli: '1500' });
  const rest = await page(`?cursor=${first.next ?? ''}`);
  t.same(
    rest.shows.map((one) => one.title),
    ['Show 2', 'Show 1', 'Show 0'],
  );
  t.notOk(rest.next);
});

t.test('the statement has every entry of its days, in the time zone of the room', async (t) => {
  await model.patch('/api/v1/model/room', { timeZone: 'Europe/Berlin' });
  const answer = await model.get(`/api/v1/model/earnings/statement.csv?${range}`);
  t.match(answer.headers, {
    'content-type': /^text\/csv/,
    'content-disposition': 'attachment; filename="statement-2026-03-29-2026-03-29.csv"',
  });
  const lines = answer.body.split('\r\n');
  t.equal(lines[0], 'booked,charged,kind,reference,credits');
  const late = '2026-03-29T23:59:59+02:00';
  t.equal(lines[1], `${late},${late},tip,T899,1.500`);
  t.match(lines[2], /^2026-03-29T03:30:00\+02:00,/, 'summer time has begun that night');
  t.equal(lines.at(-2), '2026-03-29T00:00:00+01:00,2026-03-29T00:00:00+01:00,refund,S400,-0.020');
  t.equal(lines.length, 1 + 500 + 1, 'all pages, and nothing of the days around');
  t.equal(lines.at(-1), '');
});

t.test('no cell of a statement is a formula', async (t) => {
  const hostile = ['=1+1', '+1', '-cmd', '@x', '\tx', 'a,"b"', 'a\r\nb'];
  const tip = { code: 'tip' as const, amount: 1, atMs: 1_790_000_000_000 };
  await book(hostile.map((source) => ({ ...tip, source })));
  const csv = await model.get('/api/v1/model/earnings/statement.csv?from=2026-01-01&to=2026-12-31');
  for (const cell of ["'=1+1", "'+1", "'-cmd", "'@x", "'\tx", '"a,""b"""', '"a\r\nb"']) {
    t.ok(csv.body.includes(`,tip,${cell},0.001`), JSON.stringify(cell));
  }
});

t.test('billing that is away is a problem, not half a file', async (t) => {
  await money.away();
  const answer = await model.get(`/api/v1/model/earnings/statement.csv?${range}`);
  await money.back();
  t.equal(codeOf(answer), 'BILLING_UNAVAILABLE');
  t.match(answer.headers['content-type'], /^application\/problem\+json/);
});
