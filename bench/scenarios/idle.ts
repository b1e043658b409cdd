// Idle connections: resident memory per connection that says nothing, and the CPU it costs to keep
// it. The gateway's have a user, a room and a user channel; peers have a bare connection. Servers
// start anew each round, so that no round inherits the heap of the one before, and are watched at
// the same time.
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../cluster/testing/index.js';
import type { GeneratorCalls } from '../generator/calls.js';
import { memoryOf, openInspector, type Memory } from '../lib/forced-collection.js';
import { orderOfRound } from '../lib/interleave.js';
import { startNodeChild, type NodeChild } from '../lib/node-child.js';
import { cpuMicros, residentBytes } from '../lib/process-cpu.js';
import { holdAgainst, noPromise, pairOf, type Result, type ScenarioReport } from '../lib/result.js';
import { isWanted, type Run } from '../lib/run-context.js';
import { median, pairedRatio, shortNumber, spreadOf } from '../lib/statistics.js';
import type { BroadcastServer } from '../servers/broadcast-server.js';
import { startFullGateway } from '../servers/full-gateway.js';
import { PEERS, startPeer } from '../servers/peer.js';

const KILOBYTES_MAX = 6;
const MICROS_MAX = 2.5;
const IN_FLIGHT = 64;
/** Connecting leaves work and garbage; the servers get this long to be done with both. */
const SETTLE_MS = 10_000;
/** Contains one ping of each connection. */
const WATCH_MS = 30_000;

interface Kind {
  readonly name: string;
  readonly start: (env: Readonly<Record<string, string>>) => Promise<BroadcastServer>;
}

interface Sample {
  readonly version: string;
  readonly label: string;
  readonly kilobytes: number;
  /** CPU per connection and second, µs. */
  readonly idleMicros: number;
  /** KB per connection when all garbage is collected. */
  readonly collected: Readonly<Record<'resident' | 'heap' | 'external' | 'other', number>>;
}

export async function idle(run: Run): Promise<ScenarioReport> {
  const { isQuick } = run.options;
  // A round takes a minute; three stay within the time of the other scenarios.
  const rounds = Math.min(3, run.options.rounds);
  const count = isQuick ? 1_000 : 8_000;
  const kinds: readonly Kind[] = [
    { name: 'gateway', start: (env) => startFullGateway(run, undefined, env) },
    ...Object.keys(PEERS)
      .filter((peer, at) => at === 0 || isWanted(run, peer))
      .map((peer): Kind => ({ name: peer, start: (env) => startPeer(run, peer, { env }) })),
  ];
  const watchMs = isQuick ? 2_000 : WATCH_MS;
  const samples: Sample[][] = kinds.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    run.say(`round ${round + 1}: ${count} connections each`);
    const all: Watched[] = [];
    for (const kind of orderOfRound(kinds, round)) all.push(await open(run, kind, count));
    const ended = await watch(all, watchMs);
    kinds.forEach((kind, at) =>
      samples[at]?.push(...ended.filter((_, nth) => all[nth]?.kind === kind)),
    );
  }
  const rows = (pick: (one: Sample) => number) => samples.map((of) => of.map(pick));
  const labels = samples.map((of) => of[0]);
  const memory = rows((one) => one.kilobytes);
  const memoryRow = resultOf('memory', 'KB RSS / connection', memory, labels);
  const micros = rows((one) => one.idleMicros);
  const keepingRow = resultOf('keeping', 'µs CPU / connection / s', micros, labels);
  return {
    scenario: 'idle',
    limitedBy: 'server',
    results: [
      { ...memoryRow, ...holdAgainst('value', memoryRow.value, '<=', KILOBYTES_MAX) },
      { ...keepingRow, ...holdAgainst('value', keepingRow.value, '<=', MICROS_MAX) },
    ],
    notes: [
      `${count} connections each; CPU over ${watchMs / 1_000} s; pings come every 25 s. ` +
        'Memory is the growth of the resident set, from the empty server without garbage to the ' +
        'full one after that time, with what garbage it has.',
      'The gateway keeps a user, a room and a user channel for each; peers keep a bare connection.',
      ...notesOf(samples[0] ?? []),
      'The kernel needs 3 to 4 KB more for each socket, of whatever server; no process shows it.',
    ],
  };
}

/** What the gateway's memory is. */
function notesOf(samples: readonly Sample[]): string[] {
  const all = samples.map(({ collected }) => collected);
  const kb = (part: 'resident' | 'heap' | 'external' | 'other'): string =>
    shortNumber(median(all.map((one) => one[part])));
  return [
    `Of the gateway after a forced collection, KB per connection: ${kb('resident')} resident; of these ` +
      `${kb('heap')} live objects of JavaScript, ${kb('external')} buffers outside of its heap, and ` +
      `${kb('other')} the library, the allocator, code and what the heap keeps for new objects.`,
  ];
}

interface Watched {
  readonly kind: Kind;
  readonly server: BroadcastServer;
  readonly generator: NodeChild<GeneratorCalls>;
  readonly count: number;
  readonly inspectorPort: number;
  readonly empty: Memory;
}

async function open(run: Run, kind: Kind, count: number): Promise<Watched> {
  const inspectorPort = await freePort();
  const given = process.env['NODE_OPTIONS'] ?? '';
  const server = await kind.start({ NODE_OPTIONS: `${given} --inspect-port=${inspectorPort}` });
  const generator = startNodeChild<GeneratorCalls>(run.scope, {
    entry: run.tree.entry('bench/generator/main.ts'),
  });
  await openInspector(server.pid, inspectorPort);
  const empty = await memoryOf(server.pid, inspectorPort);
  const { port } = server;
  const setup =
    server.setup.kind === 'gateway' ? { ...server.setup, hasUserChannel: true } : server.setup;
  await generator.call('open', {
    ...{ host: '127.0.0.1', port, setup, count, inFlight: IN_FLIGHT },
  });
  return { kind, server, generator, count, inspectorPort, empty };
}

async function watch(all: readonly Watched[], ms: number): Promise<readonly Sample[]> {
  await delay(SETTLE_MS);
  const before = all.map(({ server }) => cpuMicros(server.pid));
  await delay(ms);
  const micros = all.map(({ server }, at) => cpuMicros(server.pid) - (before[at] ?? 0));
  const resident = all.map(({ server }) => residentBytes(server.pid));
  const samples: Sample[] = [];
  for (const [at, { server, generator, count, inspectorPort, empty }] of all.entries()) {
    const { name: label, version } = server;
    samples.push({
      ...{ label, version },
      kilobytes: ((resident[at] ?? 0) - empty.residentBytes) / 1_024 / count,
      idleMicros: (micros[at] ?? 0) / count / (ms / 1_000),
      collected: growthOf(empty, await memoryOf(server.pid, inspectorPort), count),
    });
    await generator.stop();
    await server.stop();
  }
  return samples;
}

function growthOf(empty: Memory, full: Memory, count: number): Sample['collected'] {
  const grown = (key: keyof Memory): number => (full[key] - empty[key]) / 1_024 / count;
  const [resident, heap, external] = [
    grown('residentBytes'),
    grown('heapUsedBytes'),
    grown('externalBytes'),
  ];
  return { resident, heap, external, other: resident - heap - external };
}

/** The first list is ours, the second raw uWebSockets'. */
function resultOf(
  name: string,
  unit: string,
  lists: readonly (readonly number[])[],
  labels: readonly (Sample | undefined)[],
): Result {
  const [ours = [], raw = [], ...others] = lists;
  const ratio = pairedRatio(ours, raw);
  return {
    ...{ name, unit, value: median(ours), better: 'less', limitedBy: 'server', ...noPromise },
    spread: pairOf(spreadOf(ours)),
    ceiling: { name: labels[1]?.label ?? '', value: median(raw) },
    ...{ ratio: ratio.median, ratioSpread: pairOf(ratio) },
    peers: others.map((theirs, at) => ({
      name: labels[at + 2]?.label ?? '',
      version: labels[at + 2]?.version ?? '',
      value: median(theirs),
      ratio: pairedRatio(ours, theirs).median,
      ratioMax: null,
    })),
  };
}
