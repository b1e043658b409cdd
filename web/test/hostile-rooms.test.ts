// Wrong, missing, oversized and hostile input for what models and moderators do with rooms.
import t from 'tap';
import { LONG, refuseAll, SCRIPT, SQL, without, type HostileCase } from './hostile-case.js';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const { admin, model } = await staff(fixture);
const viewer = fixture.browser();
await viewer.signUp('anna');

const slot = {
  startsAt: '2030-01-01T20:00:00Z',
  endsAt: '2030-01-01T21:00:00Z',
  title: 'Evening',
};

const room = (body: object, field: string): HostileCase => [
  'model',
  'PATCH',
  '/model/room',
  body,
  [field],
];

const cases: HostileCase[] = [
  ['anon', 'GET', '/rooms?tag=Jazz', undefined, ['tag']],
  ['anon', 'GET', `/rooms?tag=${encodeURIComponent(SQL)}`, undefined, ['tag']],
  ['anon', 'GET', '/rooms/..%2f/profile', undefined, ['slug']],
  ...[[SCRIPT], [SQL], [''], ['two words'], [1], 'jazz', Array(11).fill('x')].map((tags) =>
    room({ tags }, Array.isArray(tags) && tags.length === 1 ? 'tags.0' : 'tags'),
  ),
  room({ showType: 'gratis' }, 'showType'),
  room({ ticketMilli: '-1' }, 'ticketMilli'),
  room({ tipMenu: [{ label: 'x' }] }, 'tipMenu.0.amountMilli'),
  room({ tipMenu: [{ label: LONG, amountMilli: '1' }] }, 'tipMenu.0.label'),
  room({ tipMenu: [{ label: 'x', amountMilli: '0' }] }, 'tipMenu.0.amountMilli'),
  room({ goal: { text: 'x', targetMilli: '0' } }, 'goal.targetMilli'),
  room({ goal: { text: 'a\u202eb', targetMilli: '1' } }, 'goal.text'),
  room({ timeZone: '../../etc/localtime' }, 'timeZone'),
  room({ timeZone: LONG }, 'timeZone'),
  room({ allowAnons: 'yes' }, 'allowAnons'),
  room(
    { privateShow: { priceMilliPerMin: '0', minimumSec: 0, graceSec: 0 } },
    'privateShow.priceMilliPerMin',
  ),
  room(
    { privateShow: { priceMilliPerMin: '1', minimumSec: -1, graceSec: 1e9 } },
    'privateShow.minimumSec',
  ),
  ['model', 'PATCH', '/model/profile', {}, ['']],
  ['model', 'PATCH', '/model/profile', { displayName: SCRIPT }, ['displayName']],
  ['model', 'PATCH', '/model/profile', { about: LONG }, ['about']],
  ['model', 'POST', '/model/publish-ticket', { streamId: 'x' }, ['streamId']],
  ...['startsAt', 'endsAt', 'title'].map((name): HostileCase => [
    'model',
    'POST',
    '/model/schedule',
    without(slot, name),
    [name],
  ]),
  ...['tomorrow', '2030-13-45T99:99:99Z', '2030-01-01', 7, SQL, '1970-01-01T00:00:00Z'].map(
    (startsAt): HostileCase => [
      'model',
      'POST',
      '/model/schedule',
      { ...slot, startsAt, ...(startsAt === '1970-01-01T00:00:00Z' ? { endsAt: startsAt } : {}) },
      [],
    ],
  ),
  ['anon', 'GET', '/avatars/..%2f..%2fetc%2fpasswd', undefined, ['file']],
  ['anon', 'GET', `/avatars/${'a'.repeat(32)}-65.webp`, undefined, ['file']],
  ['anon', 'GET', `/avatars/${'A'.repeat(32)}-64.webp`, undefined, ['file']],
  ['anon', 'GET', `/avatars/${'a'.repeat(32)}-64.webp%00.png`, undefined, ['file']],
  ['viewer', 'DELETE', '/me/avatar', { user: '1' }, ['user']],
  ['viewer', 'POST', '/rooms/mira/private-request', { note: LONG }, ['note']],
  ['viewer', 'POST', '/rooms/MIRA/private-request', {}, ['slug']],
  ['model', 'POST', '/model/private-requests/x/accept', {}, ['id']],
  ['model', 'POST', '/model/private-requests/1/refuse', { reason: 7 }, ['reason']],
  ['model', 'POST', '/model/private/end', { now: true }, ['now']],
  ['model', 'POST', '/rooms/mira/moderators', { username: SQL }, ['username']],
  ['model', 'DELETE', '/rooms/mira/moderators/0', undefined, ['id']],
  ['model', 'POST', '/rooms/mira/moderation/acts', {}, ['key', 'action']],
  [
    'model',
    'POST',
    '/rooms/mira/moderation/acts',
    { key: 'key-00000001', action: 'explode', user: SCRIPT, seconds: 0, offset: -1 },
    ['action', 'user', 'seconds', 'offset'],
  ],
  ['model', 'GET', '/rooms/mira/moderation/audit?cursor=x', undefined, ['cursor']],
  ['model', 'GET', '/rooms/mira/moderation/reports?state=x', undefined, ['state']],
  ['viewer', 'POST', '/rooms/mira/reports', {}, ['reason']],
  ['viewer', 'POST', '/rooms/mira/reports', { reason: 'boring' }, ['reason']],
  [
    'viewer',
    'POST',
    '/rooms/mira/reports',
    { reason: 'spam', mid: SCRIPT, text: LONG },
    ['mid', 'text'],
  ],
  ['admin', 'POST', '/admin/reports/1/praise', { resolution: 'x' }, ['verdict']],
  ['admin', 'POST', '/admin/reports/1/resolve', {}, ['resolution']],
  ['admin', 'POST', '/admin/rooms/mira/end', {}, ['reason']],
  ['admin', 'POST', '/admin/rooms/mira/redirect', { to: '//evil.example' }, ['to']],
  ['model', 'PUT', '/model/schedule/0', slot, ['id']],
  ['model', 'DELETE', '/model/schedule/1%20OR%201', undefined, ['id']],
  ['anon', 'GET', '/programme?day=today', undefined, ['day']],
  ['anon', 'GET', `/programme?room=${encodeURIComponent(SQL)}`, undefined, ['room']],
  ['anon', 'GET', '/programme?zone=x', undefined, ['zone']],
  ['anon', 'GET', '/programme/rooms/..%2f..%2fetc', undefined, ['room']],
  ['anon', 'GET', '/programme/rooms/%3Cscript%3E/feed.rss', undefined, ['room']],
  ['anon', 'GET', '/rooms/MIRA/programme', undefined, ['slug']],
  ['model', 'GET', '/rooms/..%2f/chat-log', undefined, ['slug']],
  ['model', 'GET', '/rooms/..%2f/chat-log.txt', undefined, ['slug']],
  ['anon', 'GET', '/rooms/..%2f/recordings', undefined, ['slug']],
  ['anon', 'POST', '/rooms/mira/recordings/..%2f..%2fetc/play', {}, ['id']],
  ['anon', 'POST', `/rooms/mira/recordings/${encodeURIComponent(SQL)}/play`, {}, ['id']],
  ['anon', 'POST', '/rooms/mira/recordings/r1/play', { sid: 'free-1' }, ['sid']],
  ['model', 'PATCH', '/model/recordings', {}, ['isPublic']],
  ['model', 'PATCH', '/model/recordings', { isPublic: 'no' }, ['isPublic']],
  ['model', 'PATCH', '/model/recordings/r1', { isShown: 1, room: '7' }, ['isShown', 'room']],
  ['model', 'DELETE', '/model/recordings/..%2fr1', undefined, ['id']],
  ['admin', 'PUT', '/admin/programme', [], ['']],
  ['admin', 'PUT', '/admin/programme/source', {}, ['url']],
  ['admin', 'PUT', '/admin/programme/source', { url: 'javascript:alert(1)' }, ['url']],
  ['admin', 'PUT', '/admin/programme/source', { url: `https://x/${LONG}` }, ['url']],
  ['admin', 'POST', '/admin/programme/refresh', { source: '/etc/passwd' }, ['source']],
  [
    'admin',
    'PUT',
    '/admin/programme/rooms/main',
    {
      slug: SCRIPT,
      title: LONG,
      logoUrl: LONG,
      hasChat: 'no',
      player: { kind: 'flash', ref: 'x' },
    },
    ['slug', 'title', 'logoUrl', 'hasChat', 'player.kind'],
  ],
  ['admin', 'PUT', '/admin/programme/rooms/main', { html: SCRIPT }, ['html']],
];

t.test('each refusal is problem+json and names its fields', (t) =>
  refuseAll(t, { anon: fixture.browser(), viewer, model, admin }, cases),
);
