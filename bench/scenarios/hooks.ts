// Hooks end to end: update_play of paid sessions over HTTP into the billing role, through token,
// queue and script, to the answer. Server CPU per hook beside a uWebSockets.js server that says yes
// to everything (the ceiling) and one that makes an SQL transaction per hook (the floor). Latency
// at a pace. Afterwards every hook must have been accepted and the books must fit.
import { startMariadb, startRedis } from '../../cluster/testing/index.js';
import type { HookLoadCalls } from '../generator/hook-load.js';
import { interleave } from '../lib/interleave.js';
import { startNodeChild, type NodeChild } from '../lib/node-child.js';
import { cpuMicros } from '../lib/process-cpu.js';
import { holdAgainst, pairOf, type Result, type ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { median, pairedRatio, percentile, shortNumber, spreadOf } from '../lib/statistics.js';
import type { HookServerCalls } from '../peers/hook-server.js';
import { HOOK_PATH, startBillingRole } from '../servers/billing-role.js';
import { SQL } from './ledger.js';
import { giveInSql, openLedger } from '../testing/billing-ledger.js';

const HOOKS_PER_CORE = 10_000;
const P99_MS = 100;
const CONNECTIONS = 64;
/** Carried by a small machine that also has the generator, Redis and MariaDB. */
const PACE_PER_SEC = 3_000;
const PACE_PER_SEC_QUICK = 300;
const EACH = 1_000_000_000n;
/** A round of each; more of ours, because it is what is held against the promise. */
const SAMPLE_MS: Readonly<Record<Target['name'], number>> = {
  ...{ billing: 3_000, bare: 1_500, naive: 1_000 },
};

interface Sample {
  readonly micros: number;
  readonly perSec: number;
}

interface Target {
  readonly name: 'billing' | 'bare' | 'naive';
  readonly port: number;
  readonly path: string;
  readonly pid: number;
}

export async function hooks(run: Run): Promise<ScenarioReport> {
  const results: Result[] = [];
  const sessions = run.options.isQuick ? 500 : 3_000;
  const notes: string[] = [
    `${sessions.toLocaleString('en-US')} paid sessions, ${CONNECTIONS} kept-alive connections, one ` +
      'hook at a time on each; value is hooks per second of server CPU (1 s / CPU per hook).',
    'Ceiling: a uWebSockets.js server that reads the body and answers. Floor: the same server with ' +
      'GET, SET and one SQL transaction per hook.',
  ];
  for (const fsync of ['everysec', 'always'] as const) {
    const server = await startRedis(run.scope, { appendFsync: fsync });
    const mariadb = await startMariadb(run.scope, SQL);
    const urls = { redisUrl: server.url, mysqlUrl: mariadb.url };
    const viewers = Array.from({ length: sessions }, (_, at) => String(at + 1));
    const ledger = await openLedger({ ...urls, startMs: Date.now() });
    await giveInSql(ledger, { count: sessions, amount: EACH });
    const role = await startBillingRole(run, { name: `billing-${fsync}`, ...urls });
    const bodies = await role.openSessions(viewers);
    run.say(`AOF ${fsync}: ${bodies.length} sessions`);
    const load = startNodeChild<HookLoadCalls>(run.scope, {
      entry: run.tree.entry('bench/generator/hook-load.ts'),
    });
    const peer = startNodeChild<HookServerCalls>(run.scope, {
      entry: run.tree.entry('bench/peers/hook-server.ts'),
    });
    const { port } = await peer.call('listen', urls);
    const targets: readonly Target[] = [
      { name: 'billing', port: role.port, path: HOOK_PATH, pid: role.pid },
      { name: 'bare', port, path: '/bare', pid: peer.pid },
      { name: 'naive', port, path: '/naive', pid: peer.pid },
    ];
    const { rounds, isQuick } = run.options;
    const samples = await interleave(targets, { rounds, warmUps: 1 }, (target) =>
      sample(load, target, { bodies, ms: isQuick ? 700 : SAMPLE_MS[target.name] }),
    );
    const [ours = [], bare = [], naive = []] = targets.map((one) => samples.get(one) ?? []);
    results.push(rateResult(fsync, { ours, bare, naive }));
    const perSec = isQuick ? PACE_PER_SEC_QUICK : PACE_PER_SEC;
    results.push(
      await latencyResult(load, targets[0], {
        bodies,
        perSec,
        ms: isQuick ? 1_500 : 8_000,
        fsync,
      }),
    );
    const rate = (list: readonly Sample[]): string =>
      shortNumber(median(list.map((one) => one.perSec)));
    notes.push(
      `AOF ${fsync}: ${rate(ours)} hooks/s as they came (bare ${rate(bare)}, floor ${rate(naive)}).`,
    );
    await load.stop();
    await peer.stop();
    await role.stop();
    const { wallets, mismatches } = await ledger.reconcile();
    if (mismatches.length > 0) throw new Error(`${fsync}: ${JSON.stringify(mismatches[0])}`);
    notes.push(`AOF ${fsync}: every hook was accepted; ${wallets} wallets compared, 0 mismatches.`);
    await ledger.close();
  }
  return { scenario: 'hooks', limitedBy: 'server', results, notes };
}

async function sample(
  load: NodeChild<HookLoadCalls>,
  { port, path, pid }: Target,
  { bodies, ms }: { readonly bodies: readonly string[]; readonly ms: number },
): Promise<Sample> {
  const before = cpuMicros(pid);
  const done = await load.call('fire', { port, path, bodies, ms, connections: CONNECTIONS });
  checkAccepted(done.refused);
  const micros = (cpuMicros(pid) - before) / done.requests;
  return { micros, perSec: (done.requests / done.ms) * 1_000 };
}

function checkAccepted(refused: Readonly<Record<string, number>>): void {
  if (Object.keys(refused).length > 0) throw new Error(`refused: ${JSON.stringify(refused)}`);
}

function rateResult(
  fsync: string,
  { ours, bare, naive }: Record<'ours' | 'bare' | 'naive', readonly Sample[]>,
): Result {
  const perCore = (list: readonly Sample[]): number[] => list.map((one) => 1e6 / one.micros);
  const rate = (list: readonly Sample[]): number[] => list.map((one) => one.perSec);
  const ratio = pairedRatio(perCore(ours), perCore(bare));
  const value = median(perCore(ours));
  return {
    ...{ name: `hooks per core, AOF ${fsync}`, value, unit: '1/s', better: 'more' },
    ...{ spread: pairOf(spreadOf(perCore(ours))), limitedBy: 'server' },
    ceiling: { name: 'bare answer', value: median(perCore(bare)) },
    ...{ ratio: ratio.median, ratioSpread: pairOf(ratio) },
    peers: [
      {
        ...{ name: 'SQL transaction per hook, hooks/s', version: '', value: median(rate(naive)) },
        ...{ ratio: pairedRatio(rate(ours), rate(naive)).median, ratioMax: null },
      },
    ],
    ...holdAgainst('value', value, '>=', HOOKS_PER_CORE),
  };
}

/** What a hook waits for its answer while they come at a pace. */
export async function latencyResult(
  load: NodeChild<HookLoadCalls>,
  target: Pick<Target, 'port' | 'path'> | undefined,
  options: {
    readonly bodies: readonly string[];
    readonly perSec: number;
    readonly ms: number;
    readonly fsync: string;
  },
): Promise<Result> {
  if (target === undefined) throw new Error('nothing to ask');
  const { bodies, perSec, ms, fsync } = options;
  const { port, path } = target;
  const done = await load.call('fire', {
    ...{ port, path, bodies, ms, perSec, connections: CONNECTIONS },
  });
  checkAccepted(done.refused);
  const value = percentile(done.latenciesMs, 99);
  return {
    ...{ name: `p99 at ${perSec} hooks/s, AOF ${fsync}`, value, unit: 'ms', better: 'less' },
    spread: [percentile(done.latenciesMs, 50), percentile(done.latenciesMs, 100)],
    ...{ ceiling: null, ratio: null, ratioSpread: null, peers: [], limitedBy: 'pace' },
    ...holdAgainst('value', value, '<=', P99_MS),
  };
}
