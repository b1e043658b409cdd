// Idle connections: resident memory per connection that says nothing, and the CPU it costs to keep
// it. The gateway's have a user, a room and a user channel; peers have a bare connection. Servers
// start anew each round, so that no round inherits the heap of the one before.
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../cluster/testing/index.js';
import type { GeneratorCalls } from '../generator/calls.js';
import { memoryOf, openInspector, type Memory } from '../lib/forced-collection.js';
import { interleave } from '../lib/interleave.js';
import { startNodeChild } from '../lib/node-child.js';
import { cpuMicros, residentBytes } from '../lib/process-cpu.js';
import { holdAgainst, noPromise, pairOf, type Result, type ScenarioReport } from '../lib/result.js';
import { isWanted, type Run } from '../lib/run-context.js';
import { median, pairedRatio, shortNumber, spreadOf } from '../lib/statistics.js';
import type { BroadcastServer } from '../servers/broadcast-server.js';
import { startFullGateway } from '../servers/full-gateway.js';
import { PEERS, startPeer } from '../servers/peer.js';

const KILOBYTES_MAX = 6;
const IN_FLIGHT = 64;
/** Connecting leaves garbage; the server gets this long to settle before it is measured. */
const SETTLE_MS = 1_500;

interface Kind {
  readonly name: string;
  readonly start: () => Promise<BroadcastServer>;
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
  // Servers start anew each time: three rounds of all peers take three minutes.
  const rounds = Math.min(3, run.options.rounds);
  const count = isQuick ? 1_000 : 8_000;
  const watchMs = isQuick ? 2_000 : 3_000;
  const inspectorPort = await freePort();
  const given = process.env['NODE_OPTIONS'] ?? '';
  const env = { NODE_OPTIONS: `${given} --inspect-port=${inspectorPort}` };
  const kinds: Kind[] = [
    { name: 'gateway', start: () => startFullGateway(run, undefined, env) },
    ...Object.keys(PEERS)
      .filter((peer, at) => at === 0 || isWanted(run, peer))
      .map((peer) => ({ name: peer, start: () => startPeer(run, peer, { env }) })),
  ];
  const samples = await interleave(kinds, { rounds, warmUps: 0 }, async (kind) => {
    run.say(`${kind.name}: ${count} connections`);
    return sample(run, await kind.start(), { count, watchMs, inspectorPort });
  });
  const of = (at: number): readonly Sample[] => samples.get(kinds[at] ?? noKind) ?? [];
  const rows = (pick: (one: Sample) => number) => kinds.map((_, at) => of(at).map(pick));
  const labels = kinds.map((_, at) => of(at)[0]);
  const memory = rows((one) => one.kilobytes);
  const memoryRow = resultOf('memory', 'KB RSS / connection', memory, labels);
  return {
    scenario: 'idle',
    limitedBy: 'server',
    results: [
      { ...memoryRow, ...holdAgainst('value', memoryRow.value, '<=', KILOBYTES_MAX) },
      resultOf(
        'keeping',
        'µs CPU / connection / s',
        rows((one) => one.idleMicros),
        labels,
      ),
    ],
    notes: [
      `${count} connections; CPU over ${watchMs / 1_000} s. Memory is the growth of the resident set, from ` +
        'the empty server without garbage to the full one with what garbage it has.',
      'The gateway keeps a user, a room and a user channel for each; peers keep a bare connection.',
      ...notesOf(of(0)),
      'The kernel needs 3 to 4 KB more for each socket, of whatever server; no process shows it.',
    ],
  };
}

const noKind: Kind = { name: '', start: () => Promise.reject(new Error('none')) };

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

async function sample(
  run: Run,
  server: BroadcastServer,
  options: { readonly count: number; readonly watchMs: number; readonly inspectorPort: number },
): Promise<Sample> {
  const generator = startNodeChild<GeneratorCalls>(run.scope, {
    entry: run.tree.entry('bench/generator/main.ts'),
  });
  const { count, watchMs, inspectorPort } = options;
  await openInspector(server.pid, inspectorPort);
  const empty = await memoryOf(server.pid, inspectorPort);
  const { port } = server;
  const setup =
    server.setup.kind === 'gateway' ? { ...server.setup, hasUserChannel: true } : server.setup;
  await generator.call('open', {
    ...{ host: '127.0.0.1', port, setup, count, inFlight: IN_FLIGHT },
  });
  await delay(SETTLE_MS);
  const cpuBefore = cpuMicros(server.pid);
  await delay(watchMs);
  const micros = cpuMicros(server.pid) - cpuBefore;
  const kilobytes = (residentBytes(server.pid) - empty.residentBytes) / 1_024 / count;
  const collected = growthOf(empty, await memoryOf(server.pid, inspectorPort), count);
  await generator.stop();
  await server.stop();
  const { name: label, version } = server;
  return { label, version, kilobytes, idleMicros: micros / count / (watchMs / 1_000), collected };
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
