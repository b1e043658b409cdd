// Following a room, being told once when it goes live, reading it; and forgetting what is old.
import t from 'tap';
import { systemClock } from '../../cluster/index.js';
import { until } from '../../cluster/testing/index.js';
import { createHousekeeping } from '../db/housekeeping.js';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const { room } = await staff(fixture);
const fan = fixture.browser();
const fanUser = await fan.signUp('fan');
const follow = (method: 'PUT' | 'DELETE', slug = 'mira') =>
  fan.send({ method, url: `/api/v1/rooms/${slug}/follow` });
interface Notices {
  notifications: { id: string; title: string; link: string; isRead: boolean }[];
  unread: number;
}
const notices = async () => (await fan.get('/api/v1/me/notifications')).json<Notices>();
const following = async () =>
  (await fan.get('/api/v1/me/following')).json<{ slugs: string[] }>().slugs;

t.test('following twice is following, unfollowing twice is not', async (t) => {
  t.equal((await follow('PUT')).statusCode, 204);
  t.equal((await follow('PUT')).statusCode, 204);
  t.same(await following(), ['mira']);
  t.equal((await follow('DELETE')).statusCode, 204);
  t.equal((await follow('DELETE')).statusCode, 204);
  t.same(await following(), []);
  t.equal((await follow('PUT', 'nobody')).statusCode, 404);
  t.equal((await fixture.browser().get('/api/v1/me/following')).statusCode, 401);
});

t.test('a follower is told once that the room is live, here and in the pushes', async (t) => {
  await follow('PUT');
  const startedAtMs = Date.now();
  const { notifications } = fixture.site;
  await Promise.all([1, 2, 3].map(() => notifications.roomLive(room, startedAtMs)));
  const seen = await notices();
  t.equal(seen.unread, 1, 'three processes, one notice');
  t.match(seen.notifications, [{ title: "Mira's room is live", link: '/r/mira', isRead: false }]);
  const mids = fixture.pushes
    .filter((one) => one.channel === `user:${fanUser.id}` && one.push.kind === 'n')
    .map((one) => (one.push.cls === 'reliable' ? one.push.mid : ''));
  t.equal(new Set(mids).size, 1, 'repeats carry the same key');

  const [notice] = seen.notifications;
  await fan.post('/api/v1/me/notifications/read', { upto: notice?.id });
  t.match(await notices(), { unread: 0, notifications: [{ isRead: true }] });
});

t.test('going live tells followers and nobody else', async (t) => {
  const other = fixture.browser();
  await other.signUp('other');
  fixture.air(room.streamId, true);
  await until(async () => (await notices()).unread === 1, { what: 'follower told' });
  t.equal((await other.get('/api/v1/me/notifications')).json<Notices>().unread, 0);
  fixture.air(room.streamId, false);
});

t.test('a thousand followers are all told', async (t) => {
  const values = Array.from(
    { length: 1_001 },
    (_, n) => `('f${n}', 'f${n}@x.de', '!', 'active', NOW(3))`,
  );
  await fixture.database.rows(
    `INSERT INTO user (username, email, password_hash, status, created_at) VALUES ${values.join()}`,
  );
  await fixture.database.rows(
    `INSERT INTO follow SELECT ${room.id}, id, NOW(3) FROM user WHERE email LIKE 'f%@x.de'`,
  );
  await fixture.site.notifications.roomLive(room, 7);
  const [row] = await fixture.database.rows<{ n: string }>(
    `SELECT COUNT(*) AS n FROM notification WHERE cause = 'live:${room.id}:7'`,
  );
  t.equal(Number(row?.n), 1_002);
});

t.test('old things are forgotten, new ones stay', async (t) => {
  const count = async () => {
    const [row] = await fixture.database.rows<{ n: string }>(
      'SELECT COUNT(*) AS n FROM notification WHERE user_id = ?',
      [fanUser.id],
    );
    return Number(row?.n);
  };
  const before = await count();
  await fixture.database.rows(
    'UPDATE notification SET created_at = created_at - INTERVAL 40 DAY ORDER BY id LIMIT 1',
  );
  await createHousekeeping({
    ...fixture,
    sweepFiles: () => Promise.resolve(),
    clock: systemClock,
  }).tidy();
  t.equal(await count(), before - 1);
  t.equal((await fan.get('/api/v1/me')).statusCode, 200);
});
