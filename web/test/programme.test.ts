// The programme over HTTP on a real MariaDB: uploads, now and next at injected moments, feeds read
// back, options of rooms, chat logs, and a source that changes, breaks and stalls.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ManualClock, silentLog } from '../../cluster/testing/index.js';
import { createProgrammeService } from '../programme/programme-service.js';
import { copyOf, frab, plain, pretalx } from './programme-samples.js';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const clock = new ManualClock(Date.parse('2026-03-28T09:10:00Z'));
const embedOrigins = ['https://tube.example'];
const money = await startMoney(t);
const fixture = await startSite(t, {
  money,
  clock,
  programme: { embedOrigins },
});
const { admin, model, room } = await staff(fixture);
const viewer = fixture.browser();
await viewer.signUp('anna');
const anon = fixture.browser();
const { site, database } = fixture;

interface Now {
  room: Record<string, unknown>;
  generatedAt: string;
  now: { kind: string; title: string; guid: string; startsAt: string };
  next: { kind: string; title: string } | null;
}
interface Status {
  origin: string;
  source: string;
  check: { state: string; problems: { code: string }[] };
  programme: { title: string; talks: number } | null;
}
const api = (path: string) => `/api/v1${path}`;
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;
const nowIn = async (key: string) => (await anon.get(api(`/programme/rooms/${key}`))).json<Now>();

t.test('without a programme the site says so and rooms show nothing', async (t) => {
  t.same((await anon.get(api('/programme/now'))).json(), { rooms: [] });
  for (const path of ['/programme', '/programme/feed.rss']) {
    const answer = await anon.get(api(path));
    t.equal(answer.statusCode, 404);
    t.equal(codeOf(answer), 'PROGRAMME_NOT_FOUND');
  }
  t.same((await anon.get(api('/rooms/mira/programme'))).json(), { rooms: [] });
  t.equal(codeOf(await admin.post(api('/admin/programme/refresh'))), 'PROGRAMME_NO_SOURCE');
});

t.test('an upload is in force at once, an invalid one changes nothing and is told', async (t) => {
  t.equal((await admin.put(api('/admin/programme'), pretalx)).statusCode, 200);
  const broken = copyOf(pretalx);
  Object.assign(broken.schedule.conference, { time_zone_name: 'Mars/Olympus' });
  const refused = await admin.put(api('/admin/programme'), broken);
  t.equal(refused.statusCode, 400);
  t.match(refused.json(), {
    code: 'PROGRAMME_INVALID',
    errors: [{ field: 'timeZone', code: 'INVALID' }],
  });
  const status = (await admin.get(api('/admin/programme'))).json<Status>();
  t.match(status, {
    origin: 'upload',
    check: { state: 'invalid', problems: [{ code: 'INVALID' }] },
    programme: { title: 'Demo & Friends 2026', talks: 5 },
  });
  const whole = await anon.get(api('/programme?day=2026-03-28&room=grosser-saal'));
  t.match(whole.json(), {
    timeZone: 'Europe/Berlin',
    days: [{ date: '2026-03-28', startsAt: '2026-03-28T04:00:00+01:00' }, {}],
    talks: [{ title: 'Opening', startsAt: '2026-03-28T10:00:00+01:00' }, {}, {}],
  });
  t.equal(whole.json<{ talks: object[] }>().talks.length, 3);
  t.equal(whole.headers['cache-control'], 'public, max-age=5');
  const { count } = (
    await database.rows<{ count: string }>(
      "SELECT COUNT(*) AS count FROM audit WHERE action = 'programme.uploaded'",
    )
  )[0] ?? { count: '0' };
  t.equal(Number(count), 1, 'who uploaded is on record');
});

t.test('now and next follow the clock in the zone of the room', async (t) => {
  const opening = await nowIn('grosser-saal');
  t.match(opening, {
    generatedAt: '2026-03-28T10:10:00+01:00',
    now: { kind: 'talk', title: 'Opening', startsAt: '2026-03-28T10:00:00+01:00' },
    next: { kind: 'break', title: '15 minute break' },
    nextTalk: { title: /^Tubes/ },
  });
  t.match((await nowIn('workshop')).now, { kind: 'nothing' });
  t.same(
    (await anon.get(api('/programme/now')))
      .json<{ rooms: Now[] }>()
      .rooms.map((one) => one.room['key']),
    ['grosser-saal', 'workshop'],
  );
  t.equal(codeOf(await anon.get(api('/programme/rooms/cellar'))), 'PROGRAMME_NOT_FOUND');
});

/** What a feed reader makes of XML: the texts of the elements by name. */
function readItems(xml: string): Record<string, string>[] {
  return [...xml.matchAll(/<item>(.*?)<\/item>/gs)].map(([, body = '']) =>
    Object.fromEntries<string>(
      [...body.matchAll(/<(\w+)(?: [^>]*)?>([^<]*)<\/\1>/g)].map(([, name = '', text = '']) => [
        name,
        unescape(text),
      ]),
    ),
  );
}
const unescape = (text: string): string =>
  text.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) =>
    name === 'lt' ? '<' : name === 'gt' ? '>' : name === 'quot' ? '"' : name === 'amp' ? '&' : "'",
  );

t.test('the feed of a room is RSS 2.0 that reads back as it was meant', async (t) => {
  const answer = await anon.get(api('/programme/rooms/grosser-saal/feed.rss'));
  t.equal(answer.statusCode, 200);
  t.equal(answer.headers['content-type'], 'application/rss+xml; charset=utf-8');
  t.match(answer.body, /^<\?xml version="1.0" encoding="UTF-8"\?>\n<rss version="2.0"/);
  const items = readItems(answer.body);
  t.match(items, [
    {
      title: 'Now: Opening',
      pubDate: 'Sat, 28 Mar 2026 10:00:00 +0100',
      guid: 'a0000000-0000-5000-8000-000000000001',
      category: 'Großer Saal',
      link: 'https://pretalx.example/demo/talk/ABCDEF/',
    },
    { title: 'Next: 15 minute break', link: 'http://site.test/programme#grosser-saal' },
  ]);
  t.match(items[0]?.['description'], /works &amp; why &lt;not&gt;\./, 'a description is HTML');
  clock.advance(55 * 60_000);
  const later = readItems((await anon.get(api('/programme/feed.rss'))).body);
  t.equal(later[0]?.['title'], 'Now: Tubes <script>alert(1)</script> & "quotes"');
  t.notMatch((await anon.get(api('/programme/feed.rss'))).body, /<script>/);
  clock.stepWall(-55 * 60_000);
});

t.test('options make a room of the programme a room of the site', async (t) => {
  const put = (body: object, key = 'grosser-saal') =>
    admin.put(api(`/admin/programme/rooms/${key}`), body);
  t.equal((await put({ slug: 'mira', title: 'Main stage', logoUrl: '/logo.svg' })).statusCode, 204);
  const here = (await anon.get(api('/rooms/mira/programme'))).json<{ rooms: Now[] }>().rooms;
  const shown = { title: 'Main stage', slug: 'mira', logoUrl: '/logo.svg' };
  t.match(here, [{ room: { key: 'grosser-saal', ...shown } }]);
  t.equal(here[0]?.room['isActive'], false);
  fixture.air(room.streamId, true);
  await site.live.look();
  t.equal((await nowIn('grosser-saal')).room['isActive'], true, 'on the air');
  fixture.air(room.streamId, false);
  await site.live.look();

  const youtube = { kind: 'youtube', ref: 'dQw4w9WgXcQ' };
  t.equal((await put({ slug: 'mira', player: youtube, hasChat: false })).statusCode, 204);
  t.match((await nowIn('grosser-saal')).room, {
    logoUrl: '',
    playerUrl: 'https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ',
    isActive: true,
    hasChat: false,
    title: 'Großer Saal',
  });
  const frame = { kind: 'frame', ref: 'https://tube.example/embed/1' };
  t.equal((await put({ player: frame }, 'workshop')).statusCode, 204);
  const policy = String((await anon.get(api('/programme'))).headers['content-security-policy']);
  const frames = /frame-src ([^;]*)/.exec(policy)?.[1]?.split(' ');
  t.same(frames?.sort(), [
    'https://player.vimeo.com',
    'https://tube.example',
    'https://www.youtube-nocookie.com',
  ]);
  t.equal(codeOf(await put({ slug: 'nobody' })), 'ROOM_NOT_FOUND');
  t.equal(codeOf(await put({}, 'cellar')), 'PROGRAMME_NOT_FOUND');
  for (const body of [
    { player: { kind: 'youtube', ref: '"><script>' } },
    { player: { kind: 'frame', ref: 'https://evil.example/' } },
    { player: { kind: 'frame', ref: 'javascript:alert(1)' } },
    { logoUrl: '//evil.example/x.png' },
    { logoUrl: 'https://evil.example/x.png' },
  ]) {
    t.equal(codeOf(await put(body)), 'BAD_INPUT', JSON.stringify(body));
  }
});

t.test('only admins look after the programme', async (t) => {
  for (const [who, code] of [
    [anon, 'UNAUTHENTICATED'],
    [viewer, 'FORBIDDEN'],
    [model, 'FORBIDDEN'],
  ] as const) {
    t.equal(codeOf(await who.get(api('/admin/programme'))), code);
    t.equal(codeOf(await who.put(api('/admin/programme'), pretalx)), code);
    t.equal(codeOf(await who.post(api('/admin/programme/refresh'))), code);
    t.equal(codeOf(await who.put(api('/admin/programme/source'), { url: '' })), code);
    t.equal(codeOf(await who.put(api('/admin/programme/rooms/workshop'), {})), code);
    t.equal(codeOf(await who.delete(api('/admin/programme'))), code);
  }
  const huge = await admin.put(api('/admin/programme'), { format: 'x'.repeat(4_300_000) });
  t.equal(codeOf(huge), 'BODY_TOO_LARGE');
});

t.test('those in charge of a room take its chat home', async (t) => {
  const from = { id: '7', name: 'anna', role: 'viewer' };
  const said = (offset: number, kind: string, body: object) =>
    fixture.chatLog.push([offset, 1_760_000_000_000 + offset, kind, { ...body }, `m${offset}`]);
  for (let n = 1; n <= 150; n += 1) said(n, 'm', { from, text: `line ${n}` });
  said(151, 'd', { offset: 150 });
  said(152, 't', { from, amount: '5000', text: 'two\nlines' });
  const log = (await model.get(api('/rooms/mira/chat-log'))).json<{ lines: { text: string }[] }>();
  t.equal(log.lines.length, 150, 'the deleted one is gone, the tip is there');
  t.equal(log.lines[0]?.text, 'line 1');
  const text = await model.get(api('/rooms/mira/chat-log.txt'));
  t.match(text.headers['content-disposition'], 'attachment; filename="mira-chat.txt"');
  t.equal(text.body.trim().split('\n').length, 150);
  t.match(text.body, /<anna> \(tip of 5\) two lines\n$/);
  t.equal(codeOf(await viewer.get(api('/rooms/mira/chat-log'))), 'FORBIDDEN');
  t.equal(codeOf(await anon.get(api('/rooms/mira/chat-log.txt'))), 'UNAUTHENTICATED');
});

t.test('a source is taken up when it changes and survived when it breaks', async (t) => {
  let answer: RequestListener = (_request, response) => response.end(JSON.stringify(frab));
  const server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const settings = {
    source: `http://127.0.0.1:${port}/schedule.json?token=secret`,
    ...{ refreshSec: 60, timeZone: 'Europe/Berlin', embedOrigins, sourceTimeoutMs: 300 },
  };
  const parts = { database, catalog: site.catalog, clock, log: silentLog, settings };
  const [one, two] = [createProgrammeService(parts), createProgrammeService(parts)];
  const titleAt = async (service: typeof one) => (await service.current()).programme.title;
  const stateOf = async () => (await one.status()).checkState;

  await one.refresh();
  t.equal(await titleAt(one), 'Old Conference');
  t.equal(await titleAt(two), 'Old Conference', 'every process serves it');
  t.notMatch(JSON.stringify(await one.status()), /secret/, 'a token in the address stays inside');

  for (const [name, broken, state] of [
    ['not JSON', (_: unknown, r: { end: (x: string) => void }) => r.end('<html>'), 'invalid'],
    [
      'an error page',
      (_: unknown, r: { writeHead: (n: number) => { end: () => void } }) => r.writeHead(500).end(),
      'unreachable',
    ],
    ['silence', () => undefined, 'unreachable'],
    [
      'a stall in the middle',
      (_: unknown, r: { write: (x: string) => void }) => r.write('{'),
      'unreachable',
    ],
    [
      'too much',
      (_: unknown, r: { end: (x: string) => void }) => r.end('x'.repeat(5_000_000)),
      'invalid',
    ],
    ['a cut', (q: { socket: { destroy: () => void } }) => q.socket.destroy(), 'unreachable'],
  ] as [string, RequestListener, string][]) {
    answer = broken;
    await one.refresh();
    t.equal(await stateOf(), state, name);
    t.equal(await titleAt(one), 'Old Conference', `${name}: the old one stays`);
  }

  answer = (_request, response) => response.end(JSON.stringify(plain));
  clock.advance(61_000);
  await Promise.all([one.refreshWhenDue(), two.refreshWhenDue()]);
  clock.advance(1_001);
  t.equal(await titleAt(one), 'Small conference');
  t.equal(await titleAt(two), 'Small conference');
  t.equal(await stateOf(), 'ok');

  let looks = 0;
  answer = (_request, response) => {
    looks += 1;
    response.end(JSON.stringify(plain));
  };
  clock.advance(61_000);
  await Promise.all([one, two, one, two].map((service) => service.refreshWhenDue()));
  t.equal(looks, 1, 'one process looks for all');

  const actor = { id: '1', ip: '' };
  await one.upload(pretalx, actor);
  await one.refresh();
  t.equal(await titleAt(one), 'Demo & Friends 2026', 'an upload stays until the source changes');

  const put = (url: string) => admin.put(api('/admin/programme/source'), { url });
  for (const host of ['127.0.0.1', '[::1]', '[::ffff:10.0.0.1]', '169.254.169.254', 'localhost']) {
    const inside = (await put(`http://${host}:${port}/schedule.json?token=secret`)).json<Status>();
    t.match(inside, {
      isOwnSource: true,
      source: new URL(`http://${host}:${port}/schedule.json`).href,
      check: { state: 'unreachable', problems: [{ message: /public internet/ }] },
      programme: { title: 'Demo & Friends 2026' },
    });
  }
  t.match(
    codeOf(await admin.put(api('/admin/programme/source'), { url: 'file:///etc/passwd' })),
    'BAD_INPUT',
  );
  t.match((await put('')).json(), { isOwnSource: false, source: '' });

  const path = join(t.testdir({}), 'schedule.json');
  await writeFile(path, JSON.stringify(plain));
  const onDisk = createProgrammeService({ ...parts, settings: { ...settings, source: path } });
  await one.remove(actor);
  await onDisk.refresh();
  t.equal(await titleAt(onDisk), 'Small conference');
  await fixture.mariadb.stop();
  clock.advance(5_000);
  t.equal(await titleAt(onDisk), 'Small conference', 'without the database it goes on');
});
