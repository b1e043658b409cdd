// nginx-rtmp (Debian's libnginx-mod-rtmp) as reference peer: its hooks beside ours, its relay into
// our ingest, and our client against its server.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { freePort, until } from '../../cluster/testing/index.js';
import { RtmpClient } from '../client.js';
import {
  acceptAll,
  ffmpegPublisher,
  headerTags,
  type HookRecord,
  type HookServer,
  startHookServer,
  startIngest,
  videoTag,
} from './ingest-fixture.js';

/** Starts nginx with these applications; resolves to its port when it accepts connections. */
async function startNginx(t: Test, applications: string): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'showbill-nginx-'));
  const port = await freePort();
  const config = join(dir, 'nginx.conf');
  await writeFile(
    config,
    `daemon off; worker_processes 1; pid ${dir}/nginx.pid;
     load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
     events { worker_connections 256; }
     rtmp { server { listen 127.0.0.1:${port}; ping 5s; ${applications} } }`,
  );
  const child = spawn('nginx', ['-p', dir, '-c', config, '-e', join(dir, 'error.log')], {
    stdio: 'ignore',
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  t.teardown(async () => {
    child.kill('SIGTERM');
    await exited;
    await rm(dir, { recursive: true, force: true });
  });
  await until(() => canConnect(port), { what: 'nginx to listen' });
  return port;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Publishes until the second update, leaves, and gives one record of each call. */
async function recordCalls(t: Test, hooks: HookServer, url: string) {
  const publisher = ffmpegPublisher(t, url);
  const waiting = { deadlineMs: 20_000 };
  await until(() => hooks.of('update_publish').length >= 2, { what: 'two updates', ...waiting });
  publisher.child.kill('SIGTERM');
  await until(() => hooks.of('done').length === 1, { what: 'done', ...waiting });
  return hooks.calls;
}

/** Names of the members in order; ours come last of the named ones and are left out. */
function membersOf(calls: readonly HookRecord[], call: string): string[] {
  const record = calls.findLast((one) => one.call === call);
  return [...(record?.form.keys() ?? [])].filter((name) => name !== 'session' && name !== 'node');
}

t.test('our hooks have the members of nginx-rtmp in the same order, call by call', async (t) => {
  const theirs = await startHookServer(t);
  theirs.answer((_, response) => void response.writeHead(200).end());
  const kinds = ['publish', 'update', 'publish_done', 'done'];
  const directives = kinds.map((one) => `on_${one} ${theirs.url}/on_${one};`).join(' ');
  const port = await startNginx(
    t,
    `application publish { live on; notify_update_timeout 1s; ${directives} }`,
  );
  const args = 'sk_peer?arg=v1&x=2';
  const nginxCalls = await recordCalls(t, theirs, `rtmp://127.0.0.1:${port}/publish/${args}`);
  const ingest = await startIngest(t, { updateIntervalMs: 1_000 });
  const ourCalls = await recordCalls(t, ingest.hooks, ingest.publishUrl(args));
  for (const call of ['publish', 'update_publish', 'publish_done', 'done']) {
    t.same(membersOf(ourCalls, call), membersOf(nginxCalls, call), call);
  }
  const order = (calls: readonly HookRecord[]) => [
    ...new Set(calls.map(({ path, call }) => `${path} ${call}`)),
  ];
  t.same(order(ourCalls), order(nginxCalls));
  const same = ['app', 'addr', 'name', 'type', 'arg', 'x'];
  for (const name of same) {
    const [mine, other] = [ourCalls, nginxCalls].map((calls) => calls[0]?.form.get(name));
    t.equal(mine, other, name);
  }
});

t.test('nginx-rtmp relays a stream into our ingest', async (t) => {
  const ingest = await startIngest(t);
  const push = `push rtmp://127.0.0.1:${ingest.port}/publish/sk_relay;`;
  const port = await startNginx(t, `application relay { live on; ${push} }`);
  ffmpegPublisher(t, `rtmp://127.0.0.1:${port}/relay/anything`);
  const stream = await until(() => ingest.started[0], { what: 'the relay' });
  t.equal(stream.streamId, 'pub-sk_relay');
  await until(() => (stream.info.video?.keyFrameIntervalMs ?? 0) > 0, {
    what: 'media through the relay',
  });
  t.match(stream.info.video, { width: 320, height: 180 });
  t.match(stream.info.audio, { codec: 'aac' });
});

t.test('nginx-rtmp pulls a stream from us for its own players', async (t) => {
  const ingest = await startIngest(t);
  ingest.hooks.answer(acceptAll);
  const publisher = await ingest.publisher('sk_origin');
  let sent = 0;
  const timer = setInterval(() => {
    publisher.sendTag(videoTag(sent * 40, { isKey: sent % 10 === 0 }));
    sent += 1;
  }, 20);
  t.teardown(() => clearInterval(timer));
  const pull = `pull rtmp://127.0.0.1:${ingest.port}/play/pub-sk_origin name=edge static;`;
  const port = await startNginx(t, `application edge { live on; ${pull} }`);
  const player = await RtmpClient.open({ host: '127.0.0.1', port, app: 'edge' });
  let pictures = 0;
  player.onTag = (tag) => {
    if (tag.isVideo && !tag.isSequenceHeader) pictures += 1;
  };
  await player.play('edge');
  await until(() => pictures > 20, { what: 'pictures through the edge' });
  player.socket.destroy();
  publisher.socket.destroy();
});

t.test('our client publishes to nginx-rtmp and plays from it', async (t) => {
  const port = await startNginx(t, 'application live { live on; }');
  const target = { host: '127.0.0.1', port, app: 'live' };
  const publisher = await RtmpClient.open(target);
  await publisher.publish('there');
  const player = await RtmpClient.open(target);
  const times: number[] = [];
  player.onTag = (tag) => {
    if (tag.isVideo && !tag.isSequenceHeader) times.push(tag.timestampMs);
  };
  await player.play('there');
  for (const tag of headerTags()) publisher.sendTag(tag);
  for (let i = 0; i < 50; i++) publisher.sendTag(videoTag(i * 40, { isKey: i % 25 === 0 }));
  await until(() => times.length === 50, { what: 'all pictures' });
  t.same(
    times,
    Array.from({ length: 50 }, (_, i) => i * 40),
  );
  const second = await RtmpClient.open(target);
  await t.rejects(second.publish('there'), /[Aa]lready publishing/);
  for (const client of [publisher, player, second]) client.socket.destroy();
});
