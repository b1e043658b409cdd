// hls.js in a real Chromium, on a page of its own, for tests.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { chromium, type Page } from 'playwright-core';
import type { TestScope } from '../../cluster/testing/index.js';

const HLS_JS = createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js');
const PAGE = `<!doctype html><video id="v" muted></video><script src="/hls.js"></script><script>
  window.faults = [];
  window.parts = window.sounds = 0;
  window.watch = (url, config) => {
    const hls = new Hls(config);
    hls.on(Hls.Events.ERROR, (_, { details, fatal, response }) => {
      window.faults.push({ details, fatal, code: response?.code });
    });
    hls.on(Hls.Events.FRAG_LOADED, (_, { part, frag }) => {
      if (part) window.parts += 1;
      if (frag.type === 'audio') window.sounds += 1;
    });
    hls.loadSource(url); hls.attachMedia(v);
    hls.on(Hls.Events.MANIFEST_PARSED, () => v.play());
    window.hls = hls;
  };
</script>`;

export interface Seen {
  readonly time: number;
  readonly width: number;
  readonly isEnded: boolean;
  readonly faults: readonly { details: string; fatal: boolean; code?: number }[];
  /** Parts that were fetched one by one. */
  readonly parts: number;
  /** Segments of further languages that were fetched. */
  readonly sounds: number;
  /** Names of the choices of sound, and which one is heard. */
  readonly languages: readonly string[];
  readonly language: number;
  /** How far the picture is behind the live edge of the playlist, s, as hls.js says. */
  readonly latencySec: number;
  /** Wall time since the picture that is shown was captured, s; null before it is known. */
  readonly delaySec: number | null;
}

/** Tells what it sees at the moment. */
export interface Player {
  (): Promise<Seen>;
  /** Chooses another sound. */
  listenTo(index: number): Promise<void>;
}

const LOOK = `({
  time: v.currentTime, width: v.videoWidth, isEnded: v.ended, faults, parts, sounds,
  languages: hls.audioTracks.map((one) => one.name), language: hls.audioTrack,
  latencySec: hls.latency,
  delaySec: hls.playingDate ? (Date.now() - hls.playingDate.getTime()) / 1000 : null,
})`;

/**
 * Plays an address. @param config of hls.js
 */
export async function openPlayer(
  t: TestScope,
  url: string,
  config: Readonly<Record<string, number | boolean>>,
): Promise<Player> {
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
  await page.evaluate(`watch(${JSON.stringify(url)}, ${JSON.stringify(config)})`);
  return Object.assign(() => page.evaluate<Seen>(LOOK), {
    listenTo: (index: number) => page.evaluate(`hls.audioTrack = ${index}`).then(() => undefined),
  });
}
