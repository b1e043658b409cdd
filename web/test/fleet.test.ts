// The site with its real siblings as processes: billing over real Redis and mariadbd, demo data
// made by the demo entry, and the web role in front. What a viewer pays is what the ledger says.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  freePort,
  startMariadb,
  startRedis,
  TEST_SECRETS,
  until,
} from '../../cluster/testing/index.js';
import { startProcess } from './role-process.js';

// Five processes start one after another; on a busy machine that alone takes half a minute.
t.setTimeout(600_000);

interface Demo {
  seeded: boolean;
  logins: { username: string; password: string; role: string }[];
  streamKeys: Record<string, string>;
}

const [mariadb, realtime, money] = await Promise.all([
  startMariadb(t),
  startRedis(t),
  startRedis(t),
]);
const [webPort, webOps, billingPort, billingOps, rtmpPort, hlsPort, rtmpOps] = await Promise.all(
  Array.from({ length: 7 }, () => freePort()),
);
const env = {
  TOKEN_SECRET: TEST_SECRETS.token,
  INTERNAL_SECRET: TEST_SECRETS.internal,
  BIND_HOST: '127.0.0.1',
  LOG_LEVEL: 'info',
  MYSQL_URL: mariadb.url,
  REALTIME_REDIS_URL: realtime.url,
  BILLING_REDIS_URL: money.url,
  WEB_PAYMENT_PROVIDER: 'sandbox',
  WEB_PRIVATE_GRACE_SEC: '5',
};
const isReady = async (port: number | undefined) =>
  (await fetch(`http://127.0.0.1:${port ?? 0}/readyz`)).ok;
const waiting = { deadlineMs: 60_000 };

startProcess(t, 'billing/main.ts', {
  ...env,
  NODE_ID: 'billing-1',
  BILLING_PORT: String(billingPort),
  OPS_PORT: String(billingOps),
});
startProcess(t, 'web/main.ts', {
  ...env,
  NODE_ID: 'web-1',
  WEB_PORT: String(webPort),
  OPS_PORT: String(webOps),
});
const mediaDir = await mkdtemp(join(tmpdir(), 'showbill-media-'));
t.teardown(() => rm(mediaDir, { recursive: true, force: true }));
startProcess(t, 'rtmp/main.ts', {
  ...env,
  NODE_ID: 'rtmp-1',
  RTMP_PORT: String(rtmpPort),
  HLS_PORT: String(hlsPort),
  OPS_PORT: String(rtmpOps),
  MEDIA_DIR: mediaDir,
});
await until(() => isReady(billingOps), { what: 'billing ready', ...waiting });
await until(() => isReady(webOps), { what: 'web ready', ...waiting });

async function runDemo(): Promise<Demo> {
  const demo = startProcess(t, 'web/demo.ts', { ...env, NODE_ID: 'demo', LOG_LEVEL: 'warn' });
  const code = await demo.ended;
  if (code !== 0) throw new Error(demo.output());
  return JSON.parse(demo.stdout().trim().split('\n').at(-1) ?? '') as Demo;
}

class Client {
  private cookie = '';

  async call(method: string, path: string, body?: unknown) {
    const answer = await fetch(`http://127.0.0.1:${webPort ?? 0}/api/v1${path}`, {
      method,
      headers: {
        'x-showbill': '1',
        cookie: this.cookie,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const set = answer.headers.getSetCookie().map((one) => one.split(';', 1)[0] ?? '');
    if (set.length > 0) this.cookie = set.join('; ');
    const text = await answer.text();
    const json = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    return { status: answer.status, json };
  }
}

let demo: Demo = { seeded: false, logins: [], streamKeys: {} };
async function login(username: string): Promise<Client> {
  const client = new Client();
  const password = demo.logins.find((one) => one.username === username)?.password;
  const answer = await client.call('POST', '/auth/login', { login: username, password });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer));
  return client;
}

t.test('demo data is made once, through the real services', async (t) => {
  demo = await runDemo();
  t.equal(demo.seeded, true);
  t.same(
    demo.logins.map((one) => one.username),
    ['admin', 'mira', 'nova', 'anna', 'ben', 'cleo'],
  );
  t.same(Object.keys(demo.streamKeys), ['mira', 'nova'], 'the free room first');
  t.ok(Object.values(demo.streamKeys).every((key) => key.startsWith('sk_')));
  const again = await runDemo();
  t.equal(again.seeded, false);

  const rooms = (await new Client().call('GET', '/rooms')).json;
  t.match(rooms, {
    rooms: [
      { slug: 'nova', pricePerMinMilli: '6000' },
      { slug: 'mira', pricePerMinMilli: '0' },
    ],
  });
});

t.test('balances, tips and grants are those of the ledger', async (t) => {
  const [anna, admin, mira] = [await login('anna'), await login('admin'), await login('mira')];
  const balance = async () => (await anna.call('GET', '/me')).json['balance'];
  t.equal(await balance(), '100000');

  const tip = { key: 'tip-fleet-01', amountMilli: '5000', text: 'hello' };
  const answers = await Promise.all(
    [1, 2, 3].map(() => anna.call('POST', '/rooms/mira/tips', tip)),
  );
  t.same(
    answers.map((one) => one.status),
    [200, 200, 200],
  );
  t.equal(await balance(), '95000', 'three clicks, one tip');
  const other = await anna.call('POST', '/rooms/mira/tips', { ...tip, amountMilli: '6000' });
  t.match(other, { status: 409, json: { code: 'KEY_REUSED' } });
  const self = await mira.call('POST', '/rooms/mira/tips', { ...tip, key: 'tip-fleet-02' });
  t.match(self, { status: 409, json: { code: 'TIP_REFUSED' } });

  const grant = { username: 'cleo', amountMilli: '2000', reason: 'sorry', key: 'grant-fleet-1' };
  await admin.call('POST', '/admin/grants', grant);
  t.match(await admin.call('POST', '/admin/grants', grant), { json: { balance: '4000' } });

  const earned = await until(
    async () => {
      const desk = (await mira.call('GET', '/model')).json as { earnings?: { total: string } };
      return desk.earnings?.total !== '0' && desk.earnings;
    },
    { what: 'the tip is settled' },
  );
  t.equal(earned.total, '3000', 'the model gets its share');
  const summary = await admin.call('GET', '/admin/finance/summary');
  t.equal(summary.json['entriesSum'], '0', 'the books balance');
});

t.test('too little credit, and an empty stage, cost nothing', async (t) => {
  const [cleo, ben] = [await login('cleo'), await login('ben')];
  const enter = (client: Client, accept: boolean) =>
    client.call('POST', '/rooms/nova/enter', { accept });
  t.match(await enter(ben, false), {
    status: 402,
    json: { code: 'PAYMENT_REQUIRED', priceMilliPerMin: '6000', balance: '100000' },
  });
  t.match(await enter(ben, true), { status: 409, json: { code: 'SHOW_NOT_LIVE' } });
  const tip = { key: 'tip-fleet-03', amountMilli: '999000' };
  const refused = await cleo.call('POST', '/rooms/mira/tips', tip);
  t.match(refused, { status: 402, json: { code: 'INSUFFICIENT_CREDIT' } });
});

t.test('bought credits arrive once and stand in the statement', async (t) => {
  const ben = await login('ben');
  const bought = await ben.call('POST', '/credits/checkout', {
    packageId: 'small',
    key: 'order-fleet-1',
  });
  const { id } = bought.json['order'] as { id: string };
  const pay = () => ben.call('POST', `/credits/orders/${id}/sandbox-pay`);
  await Promise.all([pay(), pay(), pay()]);
  t.equal((await ben.call('GET', '/me')).json['balance'], '200000');
  const statement = await ben.call('GET', '/credits/statement');
  t.equal(statement.status, 200);
  t.equal((statement.json['entries'] as unknown[]).length, 2, 'the demo grant and the purchase');
});

t.test('an applicant becomes a model whose key billing accepts and replaces', async (t) => {
  const admin = await login('admin');
  const fresh = new Client();
  const form = { username: 'vera', email: 'vera@example.org', password: 'correct horse' };
  const { json } = await fresh.call('POST', '/auth/signup', form);
  const { id } = json['user'] as { id: string };
  await fresh.call('POST', '/model/apply', { displayName: 'Vera' });
  t.equal((await admin.call('POST', `/admin/models/${id}/approve`)).status, 200);

  const publish = (key: string) =>
    fetch(`http://127.0.0.1:${billingPort ?? 0}/hooks/nginx-rtmp/on_publish`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({
        call: 'publish',
        app: 'publish',
        name: key,
        addr: '127.0.0.1',
        clientid: '1',
      }),
    });
  const made = await fresh.call('POST', '/model/key/regenerate');
  const first = String(made.json['key']);
  const second = String((await fresh.call('POST', '/model/key/regenerate')).json['key']);
  t.equal((await publish(first)).status, 403, 'the replaced key is refused');
  const accepted = await publish(second);
  t.equal(accepted.status, 302);
  const room = (await fresh.call('GET', '/model')).json['room'] as { streamId: string };
  t.equal(accepted.headers.get('location'), room.streamId, 'published under the public name');
});

t.test('a broadcast makes the room live, and its signed address plays', async (t) => {
  await until(() => isReady(rtmpOps), { what: 'rtmp ready', ...waiting });
  const mira = await login('mira');
  const desk = (await mira.call('GET', '/model')).json as { publishUrl: string };
  t.equal(desk.publishUrl, `rtmp://127.0.0.1:${rtmpPort ?? 0}/publish`);
  const encoder = spawn('ffmpeg', [
    ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-re'],
    ...['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=10'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '10'],
    ...['-f', 'flv', `${desk.publishUrl}/${demo.streamKeys['mira'] ?? ''}`],
  ]);
  t.teardown(() => encoder.kill('SIGKILL'));

  const visitor = new Client();
  const show = async () => (await visitor.call('GET', '/rooms/mira')).json;
  await until(async () => (await show())['isLive'], { what: 'room live', ...waiting });
  const entered = (await visitor.call('POST', '/rooms/mira/enter')).json as { hlsUrl: string };
  const playlist = await until(
    async () => {
      const answer = await fetch(entered.hlsUrl);
      return answer.ok && (await answer.text());
    },
    { what: 'playlist', ...waiting },
  );
  t.match(playlist, /^#EXTM3U/);
  const forged = entered.hlsUrl.replace(/\/h\/(\d+)\./, '/h/9999999999.');
  t.equal((await fetch(forged)).status, 403, 'a changed address does not');
  const price = await mira.call('PATCH', '/model/room', { priceMilliPerMin: '6000' });
  t.equal(price.status, 200);
  await until(async () => (await fetch(entered.hlsUrl)).status === 403, {
    what: 'video closed to those who watched for free',
    ...waiting,
  });

  await leavePrivately(t, mira);

  encoder.kill('SIGKILL');
  await until(async () => (await show())['isLive'] === false, { what: 'room ended', ...waiting });
});

/** A private show on the air, whose viewer pays, reloads once and then leaves for good. */
async function leavePrivately(t: Test, mira: Client): Promise<void> {
  const ben = await login('ben');
  const wish = '/rooms/mira/private-request';
  const privateShow = { priceMilliPerMin: '60000', minimumSec: 0, graceSec: 0 };
  await mira.call('PATCH', '/model/room', { privateShow });
  const { request } = (await ben.call('POST', wish)).json as { request: { id: string } };
  await mira.call('POST', `/model/private-requests/${request.id}/accept`);
  const state = async () =>
    ((await ben.call('GET', wish)).json as { request: { state: string } }).request.state;
  const enter = async (key: string): Promise<string> => {
    const { json } = await ben.call('POST', '/rooms/mira/enter', { accept: true, key });
    return String(json['sessionId']);
  };
  const leave = (sessionId: string) => ben.call('POST', '/rooms/mira/leave', { sessionId });
  await leave(await enter('enter-private-1'));
  const second = await enter('enter-private-2');
  const stranger = await login('anna');
  const refused = await stranger.call('POST', '/rooms/mira/enter', { accept: true });
  t.match(refused.json, { code: 'PRIVATE_SHOW' });
  t.equal(await state(), 'accepted', 'a reload ends nothing');
  await leave(second);
  await until(async () => (await state()) === 'ended', { what: 'the show is over', ...waiting });
  const again = await stranger.call('POST', '/rooms/mira/enter', { accept: true });
  t.equal(again.status, 200, 'the room is open at its own price again');
  t.match(again.json, { priceMilliPerMin: '6000' });
}
