// Pictures of accounts: real images through the real queue, and what is no picture.
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { startMoney } from './money-stage.js';
import { staff, startSite, type Browser } from './site-fixture.js';

const faults = { left: 0 };
const held: { wait: Promise<void> | undefined } = { wait: undefined };
const money = await startMoney(t);
const fixture = await startSite(t, {
  money,
  async beforePicture() {
    await held.wait;
    if (faults.left === 0) return;
    faults.left -= 1;
    throw new Error('disk is full');
  },
});
const { model, modelUser } = await staff(fixture);
const viewer = fixture.browser();
await viewer.signUp('anna');

interface Me {
  avatarUrl: string | null;
  isAvatarPending: boolean;
}

const picture = (colour: string, width = 300, height = 200) =>
  sharp({ create: { width, height, channels: 3, background: colour } });

const put = (browser: Browser, payload: Buffer | string, type = 'image/png') =>
  browser.send({
    ...{ method: 'PUT', url: '/api/v1/me/avatar', payload },
    headers: { 'content-type': type },
  });

const me = async (browser: Browser) => (await browser.get('/api/v1/me')).json<Me>();

async function settled(browser: Browser): Promise<string | null> {
  await until(async () => !(await me(browser)).isAvatarPending, {
    what: 'the job',
    deadlineMs: 60_000,
  });
  return (await me(browser)).avatarUrl;
}

t.test('each format becomes two squares of WebP without camera data', async (t) => {
  const [red, noted] = [picture('red'), picture('navy').withExif({ IFD0: { Artist: 'Secret' } })];
  const uploads = {
    jpeg: await noted.jpeg().toBuffer(),
    png: await red.clone().png().toBuffer(),
    webp: await red.clone().webp().toBuffer(),
    avif: await red.clone().avif().toBuffer(),
    gif: await red.clone().gif().toBuffer(),
  };
  t.match(uploads.jpeg.toString('latin1'), /Secret/);
  for (const [format, bytes] of Object.entries(uploads)) {
    t.equal((await put(viewer, bytes, `image/${format}`)).statusCode, 202, format);
    const url = await settled(viewer);
    t.match(url, /^\/api\/v1\/avatars\/[0-9a-f]{32}-256\.webp$/);
    for (const size of [64, 256]) {
      const answer = await viewer.get(String(url).replace('-256.', `-${size}.`));
      t.equal(answer.headers['content-type'], 'image/webp');
      t.match(answer.headers['cache-control'], /max-age=31536000, immutable/);
      const made = await sharp(answer.rawPayload).metadata();
      t.same([made.format, made.width, made.height, made.exif], ['webp', size, size, undefined]);
    }
  }
});

t.test('a room shows the picture of its model until it is taken away', async (t) => {
  await put(model, await picture('green').png().toBuffer());
  const url = await settled(model);
  const shown = async () => {
    const answer = await viewer.get('/api/v1/rooms/mira');
    return answer.json<{ model: { avatarUrl: string | null } }>().model.avatarUrl;
  };
  t.equal(await shown(), url);
  const told = fixture.pushes.find((one) => one.channel === `user:${modelUser.id}`);
  t.match(told?.push.body, { kind: 'avatar-ready' });
  t.equal((await model.delete('/api/v1/me/avatar')).statusCode, 204);
  t.equal(await shown(), null);
});

t.test('the pictures of several accounts are told at once, for a list of people', async (t) => {
  await put(model, await picture('teal').png().toBuffer());
  const url = await settled(model);
  const bare = fixture.browser();
  await bare.signUp('bareface');
  const { user } = (await bare.get('/api/v1/me')).json<{ user: { id: string } }>();
  const of = (users: string) => fixture.browser().get(`/api/v1/avatars?users=${users}`);
  const answer = await of(`${user.id},${modelUser.id},999999`);
  t.same(answer.json(), { avatars: [{ userId: modelUser.id, avatarUrl: url }] });
  for (const users of ['', '0', 'mira', '1,', `1${',1'.repeat(100)}`, '1;2', "1' OR '1"]) {
    t.equal((await of(encodeURIComponent(users))).statusCode, 400, users);
  }
});

t.test('what is no picture is refused, and the old picture stays', async (t) => {
  await put(viewer, await picture('red').png().toBuffer());
  const before = await settled(viewer);
  const png = await picture('red').png().toBuffer();
  const bomb = await picture('black', 8_000, 7_000).png({ compressionLevel: 9 }).toBuffer();
  t.ok(bomb.length < 1_000_000, 'small to send');
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>');
  const cases: [string, Buffer, string, RegExp][] = [
    ['text', Buffer.from('hello world, I am a PNG'), 'image/png', /use JPEG/],
    ['a signature alone', Buffer.concat([png.subarray(0, 8), svg]), 'image/png', /damaged/],
    ['SVG', svg, 'image/svg+xml', /use JPEG/],
    ['SVG that says PNG', svg, 'image/png', /use JPEG/],
    ['a truncated header', png.subarray(0, 20), 'image/png', /damaged/],
    ['TIFF', await picture('red').tiff().toBuffer(), 'image/tiff', /use JPEG/],
    ['a bomb', bomb, 'image/png', /50 million/],
    ['nothing', Buffer.alloc(0), 'image/png', /use JPEG/],
  ];
  for (const [name, bytes, type, why] of cases) {
    const answer = await put(viewer, bytes, type);
    t.equal(answer.statusCode, 400, name);
    t.match(answer.json(), { code: 'PICTURE_REFUSED', detail: why }, name);
  }
  const big = await put(viewer, Buffer.alloc(10 * 1024 * 1024 + 1), 'image/png');
  t.match([big.statusCode, big.json()], [413, { code: 'BODY_TOO_LARGE' }]);
  const json = await put(viewer, '{"a":1}', 'application/json');
  t.match([json.statusCode, json.json()], [415, { code: 'UNSUPPORTED_MEDIA_TYPE' }]);
  const form = await put(viewer, 'a=1', 'multipart/form-data; boundary=x');
  t.equal(form.statusCode, 415);
  const stranger = await put(fixture.browser(), png);
  t.equal(stranger.statusCode, 401);
  const other = { method: 'POST', url: '/api/v1/auth/logout', payload: png } as const;
  const elsewhere = await viewer.send({ ...other, headers: { 'content-type': 'image/png' } });
  t.equal(elsewhere.statusCode, 415, 'no other route takes pictures');
  t.equal(await settled(viewer), before);
});

t.test('a picture that breaks off is refused by the job, once and for all', async (t) => {
  const before = await settled(viewer);
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  const whole = await sharp({
    create: { width: 200, height: 200, channels: 3, background: 'red', noise },
  })
    .jpeg()
    .toBuffer();
  const half = await put(viewer, whole.subarray(0, whole.length / 2), 'image/jpeg');
  t.equal(half.statusCode, 202, 'its header is fine');
  t.equal(await settled(viewer), before);
  t.ok(fixture.pushes.some(({ push }) => push.body['kind'] === 'avatar-refused'));
});

t.test('a job that fails is tried again', async (t) => {
  const before = await settled(viewer);
  faults.left = 2;
  await put(viewer, await picture('orange').png().toBuffer());
  t.not(await settled(viewer), before);
  t.equal(faults.left, 0);
});

t.test('a job that always fails is given up, and the old picture stays', async (t) => {
  const before = await settled(viewer);
  faults.left = 1_000;
  await put(viewer, await picture('brown').png().toBuffer());
  t.equal(await settled(viewer), before);
  t.equal(faults.left, 995, 'five tries');
  faults.left = 0;
});

t.test(
  'the newest upload wins, and a removal is not undone by a job that comes late',
  async (t) => {
    let release: () => void = () => undefined;
    held.wait = new Promise((resolve) => (release = resolve));
    await put(viewer, await picture('cyan').png().toBuffer());
    await put(viewer, await picture('magenta').png().toBuffer());
    await put(model, await picture('yellow').png().toBuffer());
    await model.delete('/api/v1/me/avatar');
    const before = (await me(viewer)).avatarUrl;
    release();
    held.wait = undefined;
    const after = await settled(viewer);
    t.not(after, before);
    const small = await viewer.get(String(after));
    const { dominant } = await sharp(small.rawPayload).stats();
    t.ok(dominant.r > 200 && dominant.g < 60 && dominant.b > 200, 'magenta');
    t.equal((await me(model)).avatarUrl, null);
  },
);

t.test('files that nobody uses go after a day', async (t) => {
  const url = await settled(viewer);
  const folder = join(fixture.mediaDir, 'avatars');
  const yesterday = Date.now() / 1_000 - 100_000;
  for (const name of await readdir(folder)) {
    await utimes(join(folder, name), yesterday, yesterday);
  }
  t.ok((await fixture.site.avatars.sweep()) > 0);
  t.equal((await readdir(folder)).length, 2, 'the two sizes in use stay');
  t.equal((await viewer.get(String(url))).statusCode, 200);
  const gone = await viewer.get(`/api/v1/avatars/${'0'.repeat(32)}-64.webp`);
  t.match([gone.statusCode, gone.headers['cache-control']], [404, 'no-store']);
});

t.test('a closed account loses its picture', async (t) => {
  const leaver = fixture.browser();
  const user = await leaver.signUp('leaver');
  await put(leaver, await picture('pink').png().toBuffer());
  await settled(leaver);
  await fixture.site.closing.close(await fixture.site.accounts.requireActive(user.id));
  const rows = await fixture.database.rows('SELECT avatar_id AS id FROM user WHERE id = ?', [
    user.id,
  ]);
  t.same(rows, [{ id: null }]);
});

t.test('without Redis an upload is refused with its code and nothing changes', async (t) => {
  const before = await me(viewer);
  await fixture.redis.stop();
  const answer = await put(viewer, await picture('white').png().toBuffer());
  t.match([answer.statusCode, answer.json()], [503, { code: 'REALTIME_UNAVAILABLE' }]);
  t.same(await me(viewer), before);
});
