// The site under load: login, live list, profile, tip and payment webhook on the compiled web role
// with real Redis, MariaDB and billing, each beside a bare Fastify server that does the one thing
// that cannot be left out. CPU per request of the web process, latency, errors, and who was busy.
import { interleave } from '../lib/interleave.js';
import { startNodeChild } from '../lib/node-child.js';
import { cpuMicros } from '../lib/process-cpu.js';
import {
  holdAgainst,
  noPromise,
  pairOf,
  type Limit,
  type Result,
  type ScenarioReport,
} from '../lib/result.js';
import type { Run, Scenario } from '../lib/run-context.js';
import { median, pairedRatio, percentile, shortNumber, spreadOf } from '../lib/statistics.js';
import type { SiteLoadCalls } from '../generator/site-load.js';
import type { SiteCeilingCalls } from '../peers/site-ceiling.js';
import { startWebRole, WEBHOOK_SECRET } from '../servers/web-role.js';
import { partsOf, PART_NAMES, type PartName, type SitePart } from './site/parts.js';

interface Sample {
  readonly microsPerRequest: number;
  readonly perSec: number;
  readonly latenciesMs: Float64Array;
  readonly refused: Readonly<Record<string, number>>;
  /** Share of a core that each process used meanwhile. */
  readonly busy: ReadonlyMap<string, number>;
}

interface Target {
  readonly name: 'site' | 'bare';
  readonly origin: string;
}

const VIEWERS = 2_000;
const CONNECTIONS = 10;
/** A process that used this much of a core could not do more. */
const BUSY = 0.85;
const LIMITS: Readonly<Record<string, Limit>> = {
  ...{ web: 'server', bare: 'server', billing: 'billing', realtime: 'redis', money: 'redis' },
  ...{ sql: 'sql', generator: 'generator' },
};

export const site: Scenario = (run) => measure(run, { scenario: 'site', names: PART_NAMES });

/** One of the five alone. */
export function sitePart(name: PartName): Scenario {
  return (run) => measure(run, { scenario: `web-${name}`, names: [name] });
}

async function measure(
  run: Run,
  { scenario, names }: { readonly scenario: string; readonly names: readonly PartName[] },
): Promise<ScenarioReport> {
  const { isQuick, rounds } = run.options;
  const server = await startWebRole(run, VIEWERS);
  run.say(`${server.data.rooms.length} rooms, ${server.data.live} on the air`);
  const parts = (await partsOf(server)).filter((one) => names.includes(one.name));
  const load = startNodeChild<SiteLoadCalls>(run.scope, {
    entry: run.tree.entry('bench/generator/site-load.ts'),
  });
  const peer = startNodeChild<SiteCeilingCalls>(run.scope, {
    entry: run.tree.entry('bench/peers/site-ceiling.ts'),
  });
  const [room] = server.data.rooms;
  const { port } = await peer.call('listen', {
    ...{ passwordHash: server.data.passwordHash, billingUrl: server.billingUrl },
    ...{ webhookSecret: WEBHOOK_SECRET, roomId: room?.id ?? '' },
    fixed: Object.fromEntries(parts.flatMap(({ fixed }) => (fixed === undefined ? [] : [fixed]))),
  });
  const targets: readonly Target[] = [
    { name: 'site', origin: server.origin },
    { name: 'bare', origin: `http://127.0.0.1:${port}` },
  ];
  const pids = { ...server.pids, bare: peer.pid, generator: load.pid };
  const results: Result[] = [];
  const notes: string[] = [
    `${CONNECTIONS} kept-alive connections, closed loop; ${server.data.rooms.length} rooms, ` +
      `${server.data.live} on the air, ${VIEWERS} viewers. Value is CPU of the web process.`,
  ];
  for (const part of parts) {
    const count = isQuick ? Math.max(CONNECTIONS, Math.round(part.count / 10)) : part.count;
    const samples = await interleave(targets, { rounds, warmUps: 1 }, async (target) => {
      run.say(`${part.name}: ${target.name}`);
      const requests = await part.requests(target.name, count);
      const before = usage(pids);
      const done = await load.call('fire', {
        ...{ origin: target.origin, requests, count, connections: CONNECTIONS },
      });
      return sampleOf(done, { before, after: usage(pids), name: target.name });
    });
    const [ours = [], bare = []] = targets.map((one) => samples.get(one) ?? []);
    const limit = limitOf(ours, run.cores);
    results.push(...resultsOf(part, { ours, bare, limitedBy: limit.limitedBy }));
    notes.push(describe(part.name, ours, limit.words), describe(`${part.name}, bare`, bare, ''));
  }
  return { scenario, limitedBy: results[0]?.limitedBy ?? 'server', results, notes };
}

type Usage = ReadonlyMap<string, number>;

function usage(pids: Readonly<Record<string, number>>): Usage {
  return new Map(Object.entries(pids).map(([name, pid]) => [name, cpuMicros(pid)]));
}

function sampleOf(
  done: SiteLoadCalls['fire']['reply'],
  { before, after, name }: { before: Usage; after: Usage; name: Target['name'] },
): Sample {
  const { answered, ms, latenciesMs, refused } = done;
  if (answered === 0) throw new Error(`no answer: ${JSON.stringify(refused)}, from ${name}`);
  const spent = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const busy = new Map([...after.keys()].map((name) => [name, spent(name) / (ms * 1_000)]));
  const perSec = (answered / ms) * 1_000;
  const own = spent(name === 'site' ? 'web' : 'bare');
  return { microsPerRequest: own / answered, perSec, latenciesMs, refused, busy };
}

/** Who was in the way: the busiest process, if it or the machine as a whole had no more to give. */
function limitOf(
  samples: readonly Sample[],
  cores: number,
): { readonly limitedBy: Limit; readonly words: string } {
  const names = [...(samples[0]?.busy.keys() ?? [])];
  const shares = names
    .map((name) => ({ name, share: median(samples.map((one) => one.busy.get(name) ?? 0)) }))
    .sort((a, b) => b.share - a.share);
  const total = shares.reduce((sum, { share }) => sum + share, 0);
  const [top] = shares;
  const isFull = (top?.share ?? 0) >= BUSY || total >= BUSY * cores;
  const list = shares
    .filter(({ share }) => share >= 0.02)
    .map(({ name, share }) => `${name} ${Math.round(share * 100)} %`)
    .join(', ');
  const limitedBy = isFull ? (LIMITS[top?.name ?? ''] ?? 'machine') : 'machine';
  const words = `limit ${isFull ? (top?.name ?? '') : 'none of them (waiting)'}; of a core: ${list}`;
  return { limitedBy, words };
}

function resultsOf(
  { name, ceiling }: SitePart,
  measured: {
    readonly ours: readonly Sample[];
    readonly bare: readonly Sample[];
    readonly limitedBy: Limit;
  },
): readonly Result[] {
  const { ours, bare, limitedBy } = measured;
  const cost = (list: readonly Sample[]): number[] => list.map((one) => one.microsPerRequest);
  const ratio = pairedRatio(cost(ours), cost(bare));
  const latencies = allLatencies(ours);
  const nothing = { ceiling: null, ratio: null, ratioSpread: null, peers: [] };
  const errors = errorPercent(ours);
  return [
    {
      ...{ name, value: median(cost(ours)), unit: 'µs CPU per request', better: 'less' },
      ...{ spread: pairOf(spreadOf(cost(ours))), peers: [], limitedBy, ...noPromise },
      ceiling: { name: ceiling, value: median(cost(bare)) },
      ...{ ratio: ratio.median, ratioSpread: pairOf(ratio) },
    },
    {
      ...{ name: `${name} p99`, value: percentile(latencies, 99), unit: 'ms', better: 'less' },
      spread: [percentile(latencies, 50), percentile(latencies, 100)],
      ...{ ...nothing, limitedBy, ...noPromise },
    },
    {
      ...{ name: `${name} errors`, value: errors, unit: '%', better: 'less' },
      ...{ spread: [errors, errors], ...nothing, limitedBy },
      ...holdAgainst('value', errors, '<=', 0),
    },
  ];
}

function allLatencies(samples: readonly Sample[]): number[] {
  return samples.flatMap((one) => [...one.latenciesMs]);
}

function errorPercent(samples: readonly Sample[]): number {
  const sum = (list: readonly number[]): number => list.reduce((all, one) => all + one, 0);
  const failed = sum(samples.flatMap((one) => Object.values(one.refused)));
  const never = sum(samples.map((one) => one.refused['error'] ?? 0));
  return (100 * failed) / (allLatencies(samples).length + never);
}

function describe(what: string, samples: readonly Sample[], limit: string): string {
  const latencies = allLatencies(samples);
  const refused = samples.flatMap((one) => Object.entries(one.refused));
  const rate = shortNumber(median(samples.map((one) => one.perSec)));
  const at = (rank: number): string => shortNumber(percentile(latencies, rank));
  const why = refused.length === 0 ? '' : ` (${JSON.stringify(Object.fromEntries(refused))})`;
  const tail = limit === '' ? '' : `; ${limit}`;
  return (
    `${what}: ${rate} requests/s, p50 ${at(50)} ms, p99 ${at(99)} ms, ` +
    `errors ${shortNumber(errorPercent(samples))} %${why}${tail}`
  );
}
