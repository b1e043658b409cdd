// Publishing from the browser: a real Chromium with a fake camera becomes a show, and what hostile
// or unlucky pages send harms nobody.
import { once } from 'node:events';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import t from 'tap';
import { WebSocket } from 'ws';
import { createRedisBus, createTokenService, signHlsPath } from '../../cluster/index.js';
import {
  silentLog,
  startRedis,
  TEST_SECRETS,
  type TestScope,
  until,
} from '../../cluster/testing/index.js';
import { PublishEndpoint } from '../browser/publish-endpoint.js';
import { CpuBudget } from '../ffmpeg/cpu-budget.js';
import { playlistWith, probe } from './hls-fixture.js';
import { acceptAll, type HookServer, startHookServer, startIngest } from './ingest-fixture.js';
import { startRole } from './role-process.js';

const run = promisify(execFile);
const tokens = createTokenService(TEST_SECRETS.token);
const ticket = (stream: string, ttlSec = 60): string =>
  tokens.sign('publish', { sub: '7', stream }, ttlSec);

/** Accepts temporary keys as billing does: the stream stands in the signed token. */
function acceptTickets(hooks: HookServer): void {
  hooks.answer((record, response) => {
    const name = record.form.get('name') ?? '';
    if (record.call !== 'publish') {
      acceptAll(record, response);
      return;
    }
    const verdict = tokens.verify<{ sub: string; stream: string }>('publish', name.slice(3));
    const isTicket = name.startsWith('tk_') && verdict.ok;
    if (isTicket) response.writeHead(302, { location: verdict.claims.stream }).end();
    else response.writeHead(403).end('unknown ticket');
  });
}

interface Told {
  readonly state: string;
  readonly code?: string;
  readonly reason?: string;
  readonly fps?: number;
  readonly bitrateKbps?: number;
}

const PAGE = `<!doctype html><script>
  window.told = [];
  window.publish = async (url, token) => {
    const video = { width: 320, height: 180, frameRate: 25 };
    const media = await navigator.mediaDevices.getUserMedia({ video, audio: true });
    const mime = 'video/webm;codecs=vp8,opus';
    const socket = new WebSocket(url, 'showbill.publish');
    window.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ token, mime, width: 320, height: 180 }));
    socket.onclose = ({ code }) => window.told.push({ state: 'closed', code });
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      window.told.push(message);
      if (message.state !== 'live') return;
      const recorder = new MediaRecorder(media, { mimeType: mime, videoBitsPerSecond: 400000 });
      recorder.ondataavailable = ({ data }) => socket.readyState === 1 && socket.send(data);
      recorder.start(250);
    };
  };
</script>`;

async function openPage(t: TestScope) {
  const site = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(PAGE);
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      ...['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
    ],
  });
  t.teardown(async () => {
    await browser.close();
    site.close();
  });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  return page;
}

async function childrenOf(pid: number): Promise<number> {
  const { stdout } = await run('ps', ['-o', 'args=', '--ppid', String(pid)]).catch(() => ({
    stdout: '',
  }));
  return stdout.split('\n').filter((line) => line.startsWith('ffmpeg')).length;
}

t.test('a camera in Chromium becomes a show, is kicked, and ends with its tab', async (t) => {
  const redis = await startRedis(t);
  const hooks = await startHookServer(t);
  acceptTickets(hooks);
  const mediaDir = await mkdtemp(join(tmpdir(), 'showbill-media-'));
  t.teardown(() => rm(mediaDir, { recursive: true, force: true }));
  const env = { RTMP_HOOK_URL: hooks.url, RTMP_RECONNECT_GRACE_MS: '500' };
  const role = await startRole(t, { redis, mediaDir, env });
  const page = await openPage(t);
  const told = (): Promise<Told[]> => page.evaluate<Told[]>('told');
  const publish = () =>
    page.evaluate(
      `publish(${JSON.stringify(`${role.hls.replace('http', 'ws')}/publish`)}, '${ticket('cam')}')`,
    );
  await publish();
  const exp = Math.floor(Date.now() / 1_000) + 90;
  const path = signHlsPath({ streamId: 'cam', sid: 'free-v1', exp }, TEST_SECRETS.token);
  const live = await playlistWith(
    `${role.hls}${path}/v0.m3u8`,
    'three segments',
    (one) => one.segments.length >= 3,
  );
  const segment = await probe(live.segments[1]?.uri ?? '');
  t.match(segment.streams, [
    { codec_name: 'h264', width: 320, height: 180 },
    { codec_name: 'aac' },
  ]);
  t.match(segment.packets.find((one) => one.codec_type === 'video')?.flags, /^K/);
  const [asked] = hooks.of('publish');
  t.match(asked?.form.get('flashver'), /^browser Mozilla/);
  t.match(asked?.form.get('pageurl'), /^http:\/\/127\.0\.0\.1:/);
  const isHealthy = (one: Told) => (one.bitrateKbps ?? 0) > 0 && (one.fps ?? 0) > 0;
  await until(async () => (await told()).find(isHealthy), { what: 'health with both rates' });

  const bus = await createRedisBus({ url: redis.url, name: 'test', log: silentLog });
  t.teardown(() => bus.close());
  await bus.publish('rtmp.kick', JSON.stringify({ streamId: 'cam', reason: 'against the rules' }));
  const ended = await until(async () => (await told()).find((one) => one.state === 'ended'), {
    what: 'the end',
  });
  t.match(ended.reason, /against the rules/);
  await until(() => hooks.of('publish_done').length === 1, { what: 'its done' });

  await publish();
  await until(async () => (await told()).filter((one) => one.state === 'live').length === 2, {
    what: 'the second publish',
  });
  await page.close();
  await until(() => hooks.of('publish_done').length === 2, { what: 'the done of a closed tab' });
  const pid = role.child.pid ?? 0;
  await until(async () => (await childrenOf(pid)) === 0, { what: 'no ffmpeg' });
  t.notMatch(role.output(), /tk_/, 'no ticket in the log');
});

async function startEndpoint(t: TestScope, options: { budgetPercent?: number } = {}) {
  const ingest = await startIngest(t, { idleTimeoutMs: 2_000 });
  acceptTickets(ingest.hooks);
  const budget = new CpuBudget(options.budgetPercent ?? 200);
  const endpoint = new PublishEndpoint({
    ...{ server: ingest.server, tokens, budget, segmentSec: 1, log: silentLog },
    ...{ origins: ['*'], proxies: [] },
  });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => endpoint.upgrade(request, socket, head));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    endpoint.close();
    server.close();
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const open = async (path = '/publish') => {
    const socket = new WebSocket(`${url}${path}`, 'showbill.publish');
    const told: Told[] = [];
    socket.on('message', (data) => told.push(JSON.parse((data as Buffer).toString()) as Told));
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    await Promise.race([once(socket, 'open'), closed]);
    return { socket, told, closed };
  };
  const hello = (token: string) =>
    JSON.stringify({ token, mime: 'video/webm', width: 320, height: 180 });
  return { ingest, endpoint, budget, open, hello };
}

t.test('a page that may not publish is told why, before any hook where possible', async (t) => {
  const { ingest, open, hello, budget } = await startEndpoint(t);
  const refused = async (first: string | Buffer) => {
    const one = await open();
    one.socket.send(first);
    t.ok([1008, 1013].includes(await one.closed));
    return one.told[0];
  };
  t.match(await refused('nonsense'), { state: 'refused', code: 'PUBLISH_HELLO' });
  t.match(await refused(Buffer.alloc(100)), { code: 'PUBLISH_HELLO' });
  t.match(await refused(JSON.stringify({ token: 'x', mime: 'text/html' })), {
    code: 'PUBLISH_HELLO',
  });
  t.match(await refused(hello('forged')), { code: 'PUBLISH_TICKET', reason: /invalid/ });
  t.match(await refused(hello(ticket('s', -1))), { code: 'PUBLISH_TICKET', reason: /expired/ });
  t.match(await refused(hello(tokens.sign('play', { sub: '7' }, 60))), { code: 'PUBLISH_TICKET' });
  t.equal(ingest.hooks.calls.length, 0);
  ingest.hooks.answer((_, response) => void response.writeHead(403).end('model is suspended'));
  t.match(await refused(hello(ticket('s'))), {
    code: 'PUBLISH_REFUSED',
    reason: /model is suspended/,
  });
  const lost = await open('/other');
  t.equal(lost.socket.readyState, WebSocket.CLOSED);
  t.equal(budget.usedPercent, 0);
  await until(() => ingest.server.sessions.size === 0, { what: 'no session' });
  const small = await startEndpoint(t, { budgetPercent: 1 });
  const full = await small.open();
  full.socket.send(hello(ticket('s')));
  t.equal(await full.closed, 1013);
  t.match(full.told, [{ code: 'PUBLISH_CAPACITY' }]);
});

t.test('garbage, silence and a huge message end that publish and nothing else', async (t) => {
  const { ingest, open, hello, budget, endpoint } = await startEndpoint(t);
  const begin = async (stream: string) => {
    const one = await open();
    one.socket.send(hello(ticket(stream)));
    await until(() => one.told[0]?.state === 'live', { what: `${stream} to be live` });
    return one;
  };
  const garbage = await begin('garbage');
  for (let i = 0; i < 20; i++) garbage.socket.send(Buffer.alloc(50_000, i));
  t.equal(await garbage.closed, 1000);
  t.match(garbage.told.at(-1), { state: 'ended', reason: /cannot be decoded/ });
  const silent = await begin('silent');
  await silent.closed;
  t.match(silent.told.at(-1), { state: 'ended', reason: /no audio or video/ });
  const huge = await begin('huge');
  huge.socket.send(Buffer.alloc(5 << 20));
  t.equal(await huge.closed, 1009);
  const first = await begin('twice');
  const second = await begin('twice');
  await first.closed;
  t.match(first.told.at(-1), { state: 'ended', reason: /took over/ });
  await until(() => ingest.server.streams().length === 1, { what: 'the first to be gone' });
  second.socket.close();
  await until(() => ingest.server.sessions.size === 0, { what: 'no session' });
  await until(() => budget.usedPercent === 0 && endpoint.size === 0, { what: 'nothing held' });
  t.match(ingest.ended.at(-1), { reason: 'unpublished' });
  await until(() => ingest.hooks.of('publish_done').length === 5, { what: 'a done for each' });
  await until(async () => (await childrenOf(process.pid)) === 0, { what: 'no ffmpeg' });
});
