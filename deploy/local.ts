// The whole cluster on one machine: private servers, every role, demo data, one table, one last
// line `ready <address>`. Stops everything in reverse on SIGINT or SIGTERM. Entry of `npm start`.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isPortFree } from '../cluster/index.js';
import { type DemoAccounts, seedDemo, startDemoBroadcast, waitForLiveShow } from './demo.js';
import { type LocalOptions, parseLocalOptions, USAGE } from './local-options.js';
import {
  type LocalPorts,
  localPorts,
  type LocalSecrets,
  rolePlans,
  wantedPorts,
} from './local-plan.js';
import { startPrivateServers } from './local-servers.js';
import { summaryTable } from './local-table.js';
import { startRole } from './role-process.js';
import { Supervisor } from './supervisor.js';

/** Supervised children in start order. */
const running: Supervisor[] = [];
let ending: Promise<void> | undefined;

function report(line: string): void {
  process.stderr.write(`showbill: ${line}\n`);
}

function refuse(problems: readonly string[]): never {
  problems.forEach(report);
  process.exit(2);
}

/** The compiled tree, whether this file runs from it or through a loader. */
function distDir(): string {
  const above = fileURLToPath(new URL('..', import.meta.url));
  return existsSync(join(above, 'package.json')) ? join(above, 'dist') : above;
}

/** Made once and kept, so that tokens outlive a restart. */
function localSecrets(dataDir: string): LocalSecrets {
  const file = join(dataDir, 'secrets.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as LocalSecrets;
  const random = (): string => randomBytes(32).toString('base64url');
  const secrets: LocalSecrets = { token: random(), internal: random(), mariadbPassword: random() };
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
  return secrets;
}

async function checkPorts(ports: LocalPorts, options: LocalOptions): Promise<void> {
  const taken: string[] = [];
  for (const [port, what] of wantedPorts(ports, options)) {
    if (!(await isPortFree(port, '0.0.0.0'))) {
      taken.push(
        `port ${port} for ${what} is taken; choose another base with --port (SHOWBILL_PORT)`,
      );
    }
  }
  if (taken.length > 0) refuse(taken.slice(0, 1));
}

async function supervise(
  name: string,
  start: ConstructorParameters<typeof Supervisor>[0]['start'],
): Promise<void> {
  if (ending !== undefined) return;
  const supervisor = new Supervisor({ name, start, report });
  running.push(supervisor);
  await supervisor.start();
}

async function startDemo(
  web: ReturnType<typeof rolePlans>[number],
  where: { distDir: string; dataDir: string; logDir: string },
  ports: LocalPorts,
): Promise<DemoAccounts | undefined> {
  const demo = await seedDemo(web, where);
  const key = Object.values(demo?.streamKeys ?? {})[0];
  if (key !== undefined) {
    await supervise('demo broadcast', () => startDemoBroadcast(key, ports, where.logDir));
    await waitForLiveShow(ports);
  }
  return demo;
}

async function startAll(options: LocalOptions): Promise<void> {
  const ports = localPorts(options.port, options.gateways);
  await checkPorts(ports, options);
  const logDir = join(options.dataDir, 'log');
  mkdirSync(logDir, { recursive: true });
  const where = { distDir: distDir(), dataDir: options.dataDir, logDir };
  const secrets = localSecrets(options.dataDir);
  const urls = await startPrivateServers({ options, ports, secrets, logDir, supervise });
  const plans = rolePlans(options, ports, urls, secrets);
  for (const plan of plans) await supervise(plan.name, (signal) => startRole(plan, where, signal));
  const web = plans.at(-1);
  const demo = options.isDemo && web !== undefined ? await startDemo(web, where, ports) : undefined;
  if (ending !== undefined) return;
  process.stdout.write(`\n${summaryTable(options, ports, demo)}\n\n`);
  process.stdout.write(`ready http://127.0.0.1:${ports.web}\n`);
}

/**
 * Stops in reverse order; two roles that ignore SIGTERM still leave the 10 s promise to SIGKILL.
 */
function stopAll(reason: string): Promise<void> {
  ending ??= (async () => {
    report(`${reason}, stopping`);
    const left = new Set(running);
    const stop = async (one: Supervisor): Promise<void> => {
      await one.stop();
      left.delete(one);
    };
    const overall = setTimeout(() => {
      report(`did not stop in time: ${[...left].map(({ name }) => name).join(', ')}`);
      process.exit(1);
    }, 9_800);
    const roles = running.filter(({ name }) => !name.startsWith('store '));
    const stores = running.filter(({ name }) => name.startsWith('store '));
    // Roles do not wait for each other: each ends its own connections within its own deadline.
    await Promise.all(roles.reverse().map(stop));
    for (const one of stores.reverse()) await stop(one);
    clearTimeout(overall);
  })();
  return ending;
}

async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  if (argv.includes('--help')) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const parsed = parseLocalOptions(argv, process.env);
  if (!parsed.ok) refuse([...parsed.problems, USAGE]);
  const onSignal = (signal: string): void => {
    void stopAll(signal).then(() => process.exit(0));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    await startAll(parsed.options);
  } catch (thrown) {
    if (ending !== undefined) return;
    report(thrown instanceof Error ? thrown.message : String(thrown));
    await stopAll('start failed');
    process.exit(1);
  }
}

await main();
