// hls.js in a real Chromium: the picture advances, goes on over a publisher reconnect with another
// picture size, and stops when the session is cut off.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { chromium, type Page } from 'playwright-core';
import t from 'tap';
import { type TestScope, until } from '../../cluster/testing/index.js';
import { makeTags, publish, startPackager } from './hls-fixture.js';

const HLS_JS = createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js');
const PAGE = `<!doctype html><video id="v" muted></video><script src="/hls.js"></script><script>
  window.faults = [];
  window.watch = (url) => {
    const hls = new Hls({ liveSyncDurationCount: 2 });
    hls.on(Hls.Events.ERROR, (_, { details, fatal, response }) => {
      window.faults.push({ details, fatal, code: response?.code });
    });
    hls.loadSource(url); hls.attachMedia(v);
    hls.on(Hls.Events.MANIFEST_PARSED, () => v.play());
    window.hls = hls;
  };
</script>`;

interface Seen {
  readonly time: number;
  readonly width: number;
  readonly isEnded: boolean;
  readonly faults: readonly { details: string; fatal: boolean; code?: number }[];
}

async function openPlayer(t: TestScope, url: string): Promise<() => Promise<Seen>> {
  const script = await readFile(HLS_JS);
  const site = createServer((request, response) => {
    response.setHeader('content-type', request.url === '/hls.js' ? 'text/javascript' : 'text/html');
    response.end(request.url === '/hls.js' ? script : PAGE);
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  });
  t.teardown(async () => {
    await browser.close();
    site.close();
  });
  const page: Page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  await page.evaluate(`watch(${JSON.stringify(url)})`);
  return () =>
    page.evaluate<Seen>(
      '({ time: v.currentTime, width: v.videoWidth, isEnded: v.ended, faults: faults })',
    );
}

t.test('hls.js plays over a publisher reconnect without a fatal error', async (t) => {
  const packager = await startPackager(t, { graceMs: 4_000 });
  const first = publish(t, packager.manager, await makeTags({ seconds: 60 }), { speed: 1 });
  await until(() => packager.manager.find('stream-a')?.show, {
    what: 'a show',
    deadlineMs: 15_000,
  });
  const seen = await openPlayer(t, packager.url('stream-a', 'master.m3u8', 'SESSION1'));
  await until(async () => (await seen()).time > 1, {
    what: 'a moving picture',
    deadlineMs: 20_000,
  });
  t.equal((await seen()).width, 320);

  first.end();
  const before = (await seen()).time;
  const larger = await makeTags({ size: '640x360', seconds: 60 });
  const second = publish(t, packager.manager, larger, { speed: 1, offsetMs: 5_000_000 });
  await until(async () => (await seen()).width === 640, {
    what: 'the picture of the second publish',
    deadlineMs: 30_000,
  });
  const after = await seen();
  t.ok(after.time > before, 'time goes on');
  t.notOk(
    after.faults.some((one) => one.fatal),
    JSON.stringify(after.faults),
  );

  packager.guard.cut('SESSION1', 'insufficient_credit');
  await until(async () => (await seen()).faults.some(({ code }) => code === 403), {
    what: 'the player to be refused',
    deadlineMs: 15_000,
  });
  second.end();
});
