// The real one-machine cluster for end-to-end tests: `deploy/local.js` as a child, on free ports,
// with its data in a fresh directory. Ready means that it printed its last line.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isPortFree } from '../../cluster/index.js';
import { type TestScope, until } from '../../cluster/testing/index.js';
import type { DemoAccounts } from '../../deploy/demo.js';
import { localPorts, type LocalPorts } from '../../deploy/local-plan.js';

const ROOT = join(import.meta.dirname, '../..');
/** Highest port offset of localPorts, and one. */
const PORT_SPAN = 51;

export interface LocalCluster {
  readonly siteUrl: string;
  readonly ports: LocalPorts;
  readonly dataDir: string;
  /** What it printed so far. */
  output(): string;
  demo(): DemoAccounts;
  /** Pid of the role behind a private port, from /healthz. */
  pidOf(opsPort: number): Promise<number>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

export interface LocalClusterOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** An earlier cluster's directory and ports, to find its data again. */
  readonly like?: LocalCluster;
}

/** Starts and waits for the ready line, at most 10 min. Stopped and removed when the scope ends. */
export async function startLocalCluster(
  t: TestScope,
  options: LocalClusterOptions = {},
): Promise<LocalCluster> {
  const base = options.like?.ports.web ?? (await freeBasePort());
  const dataDir = options.like?.dataDir ?? mkdtempSync(join(tmpdir(), 'showbill-e2e-'));
  const args = ['--port', String(base), '--data', dataDir, ...(options.args ?? [])];
  const child = spawn(process.execPath, [join(ROOT, 'dist/deploy/local.js'), ...args], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  t.teardown(async () => {
    await stopChild(child);
    if (options.like === undefined) rmSync(dataDir, { recursive: true, force: true });
  });
  await until(() => /^ready http/m.test(output) || child.exitCode !== null, {
    deadlineMs: 600_000,
    everyMs: 50,
    what: 'the cluster prints its ready line',
  }).catch((late: unknown) => {
    throw new Error(`it said:\n${output.slice(-3_000)}`, { cause: late });
  });
  if (child.exitCode !== null) throw new Error(`the cluster ended: ${output.slice(-3_000)}`);
  return {
    siteUrl: `http://127.0.0.1:${base}`,
    ports: localPorts(base, 2),
    dataDir,
    output: () => output,
    demo: () => JSON.parse(readFileSync(join(dataDir, 'demo.json'), 'utf8')) as DemoAccounts,
    pidOf: async (opsPort) => {
      const response = await fetch(`http://127.0.0.1:${opsPort}/healthz`);
      return ((await response.json()) as { pid: number }).pid;
    },
    stop: () => stopChild(child),
  };
}

/** Bases of one test file at a time. */
const BASES_PER_JOB = 20;
/** Tap numbers the files that run at the same time from 0, `jobs` of .taprc at most. */
const JOBS_MAX = 4;

/**
 * Below the ports that other tests take (15,000 and up), so that a cluster that is started again on
 * its old ports finds them free; and not those of a file that runs at the same time, which may be
 * about to take them.
 */
async function freeBasePort(): Promise<number> {
  const job = Number(process.env['TAP_JOB_ID'] ?? 0) % JOBS_MAX;
  for (;;) {
    const place = job * BASES_PER_JOB + Math.floor(Math.random() * BASES_PER_JOB);
    const base = 10_000 + PORT_SPAN * place;
    const all = Array.from({ length: PORT_SPAN }, (_, offset) => base + offset);
    const isFree = await Promise.all(all.map((port) => isPortFree(port, '0.0.0.0')));
    if (isFree.every(Boolean)) return base;
  }
}

async function stopChild(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
  return child.exitCode;
}

/** Command lines of the living processes that know this directory, from /proc. */
export function processesUnder(dataDir: string): readonly string[] {
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'latin1');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => ({ line: read(`/proc/${pid}/cmdline`), env: read(`/proc/${pid}/environ`) }))
    .filter(({ line, env }) => line.includes(dataDir) || env.includes(dataDir))
    .map(({ line }) => line.replaceAll('\0', ' ').trim());
}
