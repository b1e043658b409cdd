// Fan-out: one room, n subscribers, k messages of 100 B per tick of 10 ms. Server CPU per delivered
// message, for the full gateway, for raw uWebSockets publish of the same messages (the ceiling),
// and for peers. Every delivery is verified: the witness decodes all messages in order, all others
// got its bytes.
import { interleave } from '../lib/interleave.js';
import { holdAgainst, pairOf, type Result, type ScenarioReport } from '../lib/result.js';
import { isWanted, type Run } from '../lib/run-context.js';
import { median, pairedRatio, shortNumber, spreadOf } from '../lib/statistics.js';
import { PAYLOAD_BYTES, TICK_MS } from '../servers/broadcast-server.js';
import { startFullGateway } from '../servers/full-gateway.js';
import { PEERS, startPeer } from '../servers/peer.js';
import { startTwoPeers, startTwoWorkers } from '../servers/two-nodes.js';
import { Contender, type Burst } from './fanout/contender.js';

const PER_TICK = [1, 8, 32];
const CEILING = 'raw-uws';
/** How long a contender is asked to send in one round, ms. */
const BURST_MS = { full: 1_200, quick: 400 };
/** Of two nodes: six contenders of two processes each, and a round of all must stay short. */
const NODES_BURST_MS = { full: 500, quick: 400 };
const NODES_SUBSCRIBERS = { full: 500, quick: 300 };
/**
 * Against raw publish: joined frames make up for the framing; a single message has nothing to join.
 */
const RATIO_MAX = { single: 1.2, joined: 1 };
const PEER_RATIO_MAX: Readonly<Record<string, number>> = { ws: 1 / 5, 'Socket.IO on ws': 1 / 7 };

export async function fanout(run: Run): Promise<ScenarioReport> {
  const results: Result[] = [];
  const notes = new Set<string>();
  for (const subscribers of run.options.isQuick ? [500] : [500, 4_000]) {
    const contenders = await openAll(run, subscribers);
    const burstMs = sizeOf(run, BURST_MS);
    results.push(...(await measureAll(run, contenders, { subscribers, burstMs }, notes)));
  }
  return reportOf('fanout', results, notes);
}

/**
 * The same with two nodes that share the subscribers: two gateway workers, two processes of each
 * peer with Redis between them. CPU is that of both.
 */
export async function fanoutNodes(run: Run): Promise<ScenarioReport> {
  const subscribers = sizeOf(run, NODES_SUBSCRIBERS);
  const burstMs = sizeOf(run, NODES_BURST_MS);
  const notes = new Set<string>();
  const contenders = [await Contender.open(run, await startTwoWorkers(run), subscribers)];
  for (const file of wantedPeers(run)) {
    contenders.push(await Contender.open(run, await startTwoPeers(run, file), subscribers));
  }
  const results = await measureAll(run, contenders, { subscribers, burstMs }, notes);
  notes.add('Two nodes with half of the subscribers each; CPU is that of both, without Redis.');
  return reportOf('fanout-nodes', results, notes);
}

async function measureAll(
  run: Run,
  contenders: readonly Contender[],
  size: Size,
  notes: Set<string>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const perTick of PER_TICK) {
    run.say(`${size.subscribers} subscribers, ${perTick} messages per tick`);
    results.push(await measurePoint(run, contenders, { ...size, perTick }, notes));
  }
  for (const contender of contenders) await contender.close();
  return results;
}

function reportOf(scenario: string, results: Result[], notes: Set<string>): ScenarioReport {
  return {
    scenario,
    limitedBy: 'server',
    results,
    notes: [
      `Server CPU, all threads, per delivered message of ${PAYLOAD_BYTES} B; ticks of ${TICK_MS} ms.`,
      'The gateway gets each message through Redis: sequencing script, history, pub/sub.',
      'All deliveries verified: one reader decodes in order, all others got the same bytes.',
      ...notes,
    ],
  };
}

function sizeOf(run: Run, { full, quick }: { full: number; quick: number }): number {
  return run.options.isQuick ? quick : full;
}

function wantedPeers(run: Run): readonly string[] {
  return Object.keys(PEERS).filter((file) => file === CEILING || isWanted(run, file));
}

async function openAll(run: Run, subscribers: number): Promise<Contender[]> {
  const contenders = [await Contender.open(run, await startFullGateway(run), subscribers)];
  for (const file of wantedPeers(run)) {
    contenders.push(await Contender.open(run, await startPeer(run, file), subscribers));
  }
  return contenders;
}

interface Size {
  readonly subscribers: number;
  readonly burstMs: number;
}

interface Point extends Size {
  readonly perTick: number;
}

async function measurePoint(
  run: Run,
  contenders: readonly Contender[],
  { subscribers, perTick, burstMs }: Point,
  notes: Set<string>,
): Promise<Result> {
  const { rounds } = run.options;
  const bursts = await interleave(contenders, { rounds, warmUps: 1 }, (contender) =>
    contender.burst(perTick, burstMs),
  );
  const [gateway, raw, ...peers] = contenders;
  if (gateway === undefined || raw === undefined) throw new Error('two contenders at least');
  const ours = costs(bursts.get(gateway));
  const ceiling = costs(bursts.get(raw));
  const ratio = pairedRatio(ours, ceiling);
  for (const [{ name }, all] of bursts) {
    notes.add(describe(`${subscribers} × ${perTick} ${name}`, all));
  }
  return {
    name: `${subscribers} subscribers × ${perTick}`,
    value: median(ours),
    unit: 'µs CPU / delivery',
    better: 'less',
    spread: pairOf(spreadOf(ours)),
    ceiling: { name: raw.name, value: median(ceiling) },
    ratio: ratio.median,
    ratioSpread: pairOf(ratio),
    peers: peers.map((peer) => {
      const theirs = costs(bursts.get(peer));
      const { name, version } = peer;
      const ratioMax = perTick === 1 ? null : (PEER_RATIO_MAX[name] ?? null);
      return {
        ...{ name, version, value: median(theirs), ratioMax },
        ratio: pairedRatio(ours, theirs).median,
      };
    }),
    limitedBy: 'server',
    ...holdAgainst(
      'ratio',
      ratio.median,
      '<=',
      perTick === 1 ? RATIO_MAX.single : RATIO_MAX.joined,
    ),
  };
}

function costs(bursts: readonly Burst[] | undefined): number[] {
  return (bursts ?? []).map((burst) => burst.microsPerDelivery);
}

/** How the load was carried, for whoever doubts a number. */
function describe(point: string, bursts: readonly Burst[]): string {
  const middle = (pick: (burst: Burst) => number): string => shortNumber(median(bursts.map(pick)));
  const store = bursts.some((one) => one.storeMicrosPerMessage > 0)
    ? `, Redis ${middle((one) => one.storeMicrosPerMessage)} µs per message`
    : '';
  return (
    `${point}: ${middle((one) => one.ticksPerSec)} ticks/s, ` +
    `${middle((one) => one.framesPerMessage)} frames per message, ` +
    `server ${middle((one) => one.serverLoad * 100)} %, ` +
    `generator ${middle((one) => one.generatorLoad * 100)} % of a core${store}`
  );
}
