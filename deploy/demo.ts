// Demo data and the demo broadcast of a one-machine cluster. The data is made once, on an empty
// database; the broadcast is a real ffmpeg that publishes a test pattern through the real RTMP
// path.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ChildServer, startChildServer } from '../cluster/index.js';
import type { LocalPorts, RolePlan } from './local-plan.js';

const run = promisify(execFile);

/** What `web/demo.js` prints, kept in `<data>/demo.json` because the site stores only hashes. */
export interface DemoAccounts {
  readonly logins: readonly {
    readonly username: string;
    readonly password: string;
    readonly role: string;
    readonly note?: string;
  }[];
  readonly streamKeys: Readonly<Record<string, string>>;
}

/**
 * Makes the demo data if the database is empty; undefined when the database holds something else.
 */
export async function seedDemo(
  web: RolePlan,
  where: { distDir: string; dataDir: string },
): Promise<DemoAccounts | undefined> {
  const file = join(where.dataDir, 'demo.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as DemoAccounts;
  const { stdout } = await run(process.execPath, [join(where.distDir, 'web/demo.js')], {
    env: { ...process.env, ...web.env, NODE_ID: 'demo', OPS_PORT: '0', LOG_LEVEL: 'warn' },
    timeout: 180_000,
  });
  const line = stdout.trim().split('\n').at(-1) ?? '';
  const answer = JSON.parse(line) as DemoAccounts & { seeded: boolean };
  if (!answer.seeded) return undefined;
  writeFileSync(file, line, { mode: 0o600 });
  return answer;
}

/**
 * Waits until the site lists a live show, so that whoever opens it first sees one; at most 60 s.
 */
export async function waitForLiveShow(ports: LocalPorts): Promise<void> {
  const url = `http://127.0.0.1:${ports.web}/api/v1/rooms?filter=live`;
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const response = await fetch(url).catch(() => undefined);
    const body =
      response?.ok === true ? ((await response.json()) as { rooms: unknown[] }) : undefined;
    if ((body?.rooms.length ?? 0) > 0) return;
    await delay(200);
  }
}

/** The broadcast of the free room: 640 × 360 at 25 fps, a key frame every 2 s, a soft tone. */
export function startDemoBroadcast(
  streamKey: string,
  ports: LocalPorts,
  logDir: string,
): Promise<ChildServer> {
  return startChildServer({
    name: 'demo broadcast',
    programs: ['ffmpeg'],
    debianPackage: 'ffmpeg',
    args: [
      ...['-hide_banner', '-loglevel', 'warning', '-nostdin', '-re'],
      ...['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25'],
      ...['-f', 'lavfi', '-i', 'sine=frequency=220:sample_rate=48000'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'main'],
      ...['-pix_fmt', 'yuv420p', '-g', '50', '-keyint_min', '50', '-sc_threshold', '0'],
      ...['-b:v', '900k', '-maxrate', '900k', '-bufsize', '900k'],
      ...['-af', 'volume=0.05', '-c:a', 'aac', '-b:a', '64k', '-ac', '2'],
      ...['-f', 'flv', `rtmp://127.0.0.1:${ports.rtmp}/publish/${streamKey}`],
    ],
    port: ports.rtmp,
    portBusyPattern: /(?!)/,
    isReady: () => Promise.resolve(true),
    stopDeadlineMs: 2_000,
    logFile: join(logDir, 'demo-broadcast.log'),
  });
}
