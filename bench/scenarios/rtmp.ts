// RTMP: what a publisher and a player cost a node, and what a player that does not read does to its
// memory, with nginx-rtmp beside it in the same rounds. Streams of 2.6 Mbit/s are passed on as they
// are.
import { interleave } from '../lib/interleave.js';
import { noPromise, pairOf, type Result, type ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { median, pairedRatio, shortNumber, spreadOf } from '../lib/statistics.js';
import { type BenchRtmpServer, startNginxRtmp, startOurRtmp } from '../servers/rtmp-server.js';
import { measureRtmp, type RtmpPoint, type RtmpSample, startRtmpLoad } from './rtmp/load.js';

interface Plan {
  readonly name: string;
  readonly point: RtmpPoint;
  readonly unit: string;
  readonly pick: (sample: RtmpSample) => number;
  /** Against nginx-rtmp. */
  readonly ratioMax: number | null;
}

/** Five rounds of two points and two servers fit into three minutes. */
const WINDOW_MS = 4_000;

const cpu = { unit: '% of a core', pick: (one: RtmpSample) => one.cpuPercent };

function publishers(count: number, ratioMax: number | null): Plan {
  const point = { publishers: count, players: 0, stalled: 0, scale: 1 };
  return { name: `${count} publishers`, point, ratioMax, ...cpu };
}

function players(count: number, ratioMax: number | null): Plan {
  const point = { publishers: 1, players: count, stalled: 0, scale: 1 };
  return { name: `${count} players`, point, ratioMax, ...cpu };
}

export async function rtmpIngest(run: Run): Promise<ScenarioReport> {
  const plans = run.options.isQuick
    ? [publishers(2, null)]
    : [publishers(1, null), publishers(10, 3)];
  return measureAll(run, 'rtmp-ingest', plans);
}

export async function rtmpPlay(run: Run): Promise<ScenarioReport> {
  const plans = run.options.isQuick ? [players(10, null)] : [players(50, null), players(300, 1.5)];
  return measureAll(run, 'rtmp-play', plans);
}

/** Eight times the rate, so that the queue of a stalled player would show within the window. */
export async function rtmpStalled(run: Run): Promise<ScenarioReport> {
  const stalled: Plan = {
    name: '5 stalled of 6 players',
    point: { publishers: 1, players: 1, stalled: 5, scale: 8 },
    unit: 'MB grown',
    pick: (one) => Math.max(0.1, one.grownMb),
    ratioMax: null,
  };
  return measureAll(run, 'rtmp-stalled', [stalled]);
}

async function measureAll(
  run: Run,
  scenario: string,
  plans: readonly Plan[],
): Promise<ScenarioReport> {
  const { rounds, isQuick } = run.options;
  const servers = [await startOurRtmp(run), await startNginxRtmp(run)];
  const load = startRtmpLoad(run);
  const results: Result[] = [];
  const notes: string[] = [];
  for (const plan of plans) {
    const samples = await interleave(servers, { rounds, warmUps: 1 }, (server) => {
      run.say(`${plan.name}: ${server.name}`);
      return measureRtmp(load, server, plan.point, isQuick ? 1_000 : WINDOW_MS);
    });
    results.push(resultOf(plan, servers, samples));
    for (const server of servers) notes.push(describe(plan, server, samples.get(server) ?? []));
  }
  return {
    scenario,
    limitedBy: 'pace',
    results,
    notes: [
      'Streams of 2.6 Mbit/s (30 pictures/s, key frame every 2 s, AAC) at their own pace.',
      'One player checks every tag; holes are counted. CPU is user and system of the serving process.',
      ...notes,
    ],
  };
}

function resultOf(
  plan: Plan,
  servers: readonly BenchRtmpServer[],
  samples: ReadonlyMap<BenchRtmpServer, readonly RtmpSample[]>,
): Result {
  const values = servers.map((one) => (samples.get(one) ?? []).map(plan.pick));
  const [ours = [], theirs = []] = values;
  const peer = servers[1];
  const ratio = pairedRatio(ours, theirs).median;
  return {
    name: plan.name,
    value: median(ours),
    unit: plan.unit,
    better: 'less',
    spread: pairOf(spreadOf(ours)),
    ceiling: null,
    ratio: null,
    ratioSpread: null,
    peers: [
      {
        ...{ name: peer?.name ?? '', version: peer?.version ?? '', value: median(theirs) },
        ...{ ratio, ratioMax: plan.ratioMax },
      },
    ],
    limitedBy: 'pace',
    ...noPromise,
  };
}

function describe(plan: Plan, { name }: BenchRtmpServer, samples: readonly RtmpSample[]): string {
  const middle = (pick: (one: RtmpSample) => number): string =>
    shortNumber(median(samples.map(pick)));
  return (
    `${plan.name}, ${name}: ${middle((one) => one.cpuPercent)} % CPU, ` +
    `${middle((one) => one.residentMb)} MB resident, ` +
    `${middle((one) => one.mbitPerSecOut)} Mbit/s read, ` +
    `${middle((one) => one.witnessGaps)} holes at the witness, ` +
    `generator ${middle((one) => one.generatorPercent)} %`
  );
}
