// The real nginx-rtmp (Debian's libnginx-mod-rtmp) as client of our hooks, with ffmpeg as publisher
// and player: what it accepts, renames, charges and drops by our answers.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { freePort, until } from '../../cluster/testing/index.js';
import { openShop, type RoleStage, startRole, STREAM_KEY } from './role-stage.js';

const CALLS = ['publish', 'play', 'update', 'publish_done', 'play_done', 'done', 'connect'];
const waiting = { everyMs: 50 };

/** One application that asks billing about everything, every second. @returns its RTMP address */
async function startNginx(t: Test, billing: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'showbill-nginx-'));
  const port = await freePort();
  const config = join(dir, 'nginx.conf');
  const hooks = (names: readonly string[]) =>
    names.map((one) => `on_${one} ${billing}/hooks/nginx-rtmp/on_${one};`).join(' ');
  const inApplication = CALLS.filter((one) => one !== 'connect');
  await writeFile(
    config,
    `daemon off; worker_processes 1; pid ${dir}/nginx.pid;
     load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
     events { worker_connections 256; }
     rtmp { server { listen 127.0.0.1:${port}; ${hooks(['connect'])}
       application publish { live on; notify_update_timeout 1s; ${hooks(inApplication)} } } }`,
  );
  const child = run(t, 'nginx', ['-p', dir, '-c', config, '-e', join(dir, 'error.log')]);
  t.teardown(async () => {
    child.kill();
    await until(() => hasExited(child), { what: 'nginx to stop', ...waiting });
    await rm(dir, { recursive: true, force: true });
  });
  return `rtmp://127.0.0.1:${port}/publish`;
}

function run(t: Test, command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: 'ignore' });
  child.once('error', () => undefined);
  t.teardown(() => void child.kill('SIGKILL'));
  return child;
}

const hasExited = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

const publish = (t: Test, url: string): ChildProcess => {
  const source = ['-re', '-f', 'lavfi', '-i', 'testsrc=size=160x90:rate=10'];
  return run(t, 'ffmpeg', [...source, '-c:v', 'flv', '-g', '10', '-f', 'flv', url]);
};

const play = (t: Test, url: string): ChildProcess =>
  run(t, 'ffmpeg', ['-i', url, '-f', 'null', '-']);

async function untilExit(child: ChildProcess, what: string): Promise<void> {
  await until(() => hasExited(child), { what, ...waiting });
}

/** Publishes until billing has another publisher than `before`. @returns its entry as well */
async function untilPublished(
  t: Test,
  stage: RoleStage,
  options: { url: string; before?: string },
): Promise<{ publisher: ChildProcess; entry: string }> {
  const { url, before } = options;
  const redis = stage.redis.client();
  let publisher = publish(t, url);
  const entry = await until(
    async () => {
      // nginx may not listen yet.
      if (hasExited(publisher)) publisher = publish(t, url);
      const found = await redis.hget('{live}:publishers', 'stream-seven');
      const session = found?.split(' ')[0];
      return found?.includes(' live ') === true && session !== before?.split(' ')[0] ? found : null;
    },
    { what: 'the stream', ...waiting },
  );
  return { publisher, entry };
}

t.test('nginx-rtmp does what our answers say', async (t) => {
  const whole = t;
  const hookPort = await freePort();
  const stage = await startRole(t, {
    ...{ BILLING_FAIL_OPEN_MS: '3000', BILLING_HOOK_PORT: String(hookPort) },
  });
  await openShop(stage, { price: 60_000n });
  const { client, tokens } = stage;
  const nginx = await startNginx(t, `http://127.0.0.1:${hookPort}`);
  const enter = (key: string) => client.openSession({ viewerId: '42', roomId: '7', key });
  const balance = async () => (await client.getWallet('42')).balance;
  const first = await untilPublished(t, stage, { url: `${nginx}/${STREAM_KEY}` });

  await t.test('a wrong key and a play without token are refused', async () => {
    await untilExit(publish(t, `${nginx}/sk_wrong`), 'the refusal of the publisher');
    await untilExit(play(t, `${nginx}/stream-seven`), 'the refusal of the player');
  });
  await t.test('a temporary key publishes once, within its 256 bytes', async (t) => {
    const token = tokens.sign('publish', { sub: '99', stream: 'stream-seven' }, 120);
    first.publisher.kill('SIGKILL');
    const url = `${nginx}/tk_${token}`;
    const { publisher } = await untilPublished(whole, stage, { url, before: first.entry });
    await untilExit(publish(t, url), 'the refusal of the third');
    const again = { call: 'publish', name: `tk_${token}`, session: 'other', node: 'n' };
    t.match(await stage.hook('on_publish', again), { status: 403 }, 'taken');
    t.notOk(hasExited(publisher));
  });
  await t.test('updates charge, and the answer to one drops the player', async (t) => {
    const opened = await enter('open-key-1');
    const player = play(t, `${nginx}/stream-seven?token=${opened.playToken}`);
    const before = await balance();
    await until(async () => (await balance()) < before, { what: 'a charge', ...waiting });
    t.notOk(hasExited(player));
    await client.endSession({ sessionId: opened.sessionId, reason: 'kicked' });
    await untilExit(player, 'the drop of the player');
    const after = await balance();
    await untilExit(play(t, `${nginx}/stream-seven?token=${opened.playToken}`), 'the refusal');
    t.equal(await balance(), after, 'the time after it is not billed');
  });
  await t.test('Redis away: the player stays for the allowance, then leaves', async (t) => {
    const opened = await enter('open-key-2');
    const player = play(t, `${nginx}/stream-seven?token=${opened.playToken}`);
    const before = await balance();
    await until(async () => (await balance()) < before, { what: 'a charge', ...waiting });
    await stage.redis.kill();
    const goneAt = performance.now();
    await untilExit(player, 'the end of the allowance');
    t.ok(performance.now() - goneAt >= 2_000, 'not at the first failure');
  });
});
