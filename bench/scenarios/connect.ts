// Connecting: server CPU per connection from the TCP handshake to the joined state. The gateway
// verifies a token and a ticket, subscribes a room and the user's own channel and sends the
// backlog. The floor is raw uWebSockets that upgrades, takes a message of the same size, subscribes
// two topics and answers with as many bytes; the peers do their own handshake and nothing else.
import { setTimeout as delay } from 'node:timers/promises';
import type { GeneratorCalls } from '../generator/calls.js';
import { helloBytes, type DialectSetup } from '../generator/dialects.js';
import { interleave } from '../lib/interleave.js';
import { startNodeChild, type NodeChild } from '../lib/node-child.js';
import { cpuMicros } from '../lib/process-cpu.js';
import { holdAgainst, pairOf, type ScenarioReport } from '../lib/result.js';
import { isWanted, type Run } from '../lib/run-context.js';
import { median, pairedRatio, shortNumber, spreadOf } from '../lib/statistics.js';
import type { BroadcastServer } from '../servers/broadcast-server.js';
import { chatBody, ROOM, startFullGateway } from '../servers/full-gateway.js';
import { PEERS, startFloor, startPeer } from '../servers/peer.js';

const MICROS_MAX = 75;
const BACKLOG = 50;
const IN_FLIGHT = 32;
/** Until the compiler has done with all that a connect runs through: a worker has had thousands. */
const WARM_UPS = 4;
const FIRST_USER = 1_000_000;
/** After a group has left, what its leaving costs is not counted. */
const LEAVE_MS = 400;

interface Contender {
  readonly name: string;
  readonly version: string;
  readonly server: BroadcastServer;
  readonly generator: NodeChild<GeneratorCalls>;
}

interface Sample {
  readonly microsPerConnection: number;
  readonly storeMicrosPerConnection: number;
  readonly perSec: number;
  /** Handshakes answered 503 because the event loop was behind; they were tried again. */
  readonly refused: number;
}

export async function connect(run: Run): Promise<ScenarioReport> {
  const { rounds, isQuick } = run.options;
  const count = isQuick ? 300 : 2_000;
  const contenders = await openAll(run);
  const samples = await interleave(
    contenders,
    { rounds, warmUps: isQuick ? 1 : WARM_UPS },
    (one, round) => sample(one, count, round),
  );
  const [gateway, floor, ...peers] = contenders;
  if (gateway === undefined || floor === undefined) throw new Error('two contenders at least');
  const cost = (one: Contender): number[] =>
    (samples.get(one) ?? []).map((sample) => sample.microsPerConnection);
  const ours = cost(gateway);
  const ratio = pairedRatio(ours, cost(floor));
  const above = ours.map((micros, at) => micros - (cost(floor)[at] ?? micros));
  const store = (samples.get(gateway) ?? []).map((one) => one.storeMicrosPerConnection);
  const refused = (samples.get(gateway) ?? []).map((one) => one.refused);
  const rate = (samples.get(gateway) ?? []).map((one) => one.perSec);
  return {
    scenario: 'connect',
    limitedBy: 'server',
    results: [
      {
        ...{ name: 'connect, 2 subscriptions, backlog', value: median(ours) },
        ...{ unit: 'µs CPU / connection', better: 'less', limitedBy: 'server' },
        spread: pairOf(spreadOf(ours)),
        ceiling: { name: floor.name, value: median(cost(floor)) },
        ...{ ratio: ratio.median, ratioSpread: pairOf(ratio) },
        peers: peers.map((peer) => ({
          ...{ name: peer.name, version: peer.version, value: median(cost(peer)), ratioMax: null },
          ratio: pairedRatio(ours, cost(peer)).median,
        })),
        ...holdAgainst('value', median(ours), '<=', MICROS_MAX),
      },
    ],
    notes: [
      `${count} connections a round, ${IN_FLIGHT} at a time, new users, ${BACKLOG} messages of backlog.`,
      `Above the floor, which is the kernel's and the library's: ${shortNumber(median(above))} µs.`,
      'Peers only shake hands: no token, no subscription, no backlog.',
      `Redis: ${shortNumber(median(store))} µs CPU per connection. ` +
        `Wall: ${shortNumber(median(rate))} connections/s, generator on the same machine; ` +
        `${shortNumber(median(refused))} refused and tried again.`,
    ],
  };
}

async function openAll(run: Run): Promise<Contender[]> {
  const gateway = await startFullGateway(run);
  for (let at = 0; at < BACKLOG; at += 1) {
    const message = { cls: 'reliable', kind: 'm', body: chatBody() } as const;
    await gateway.redis.publisher.publish(`room:${ROOM}`, message);
  }
  const peers = Object.keys(PEERS).filter((peer, at) => at === 0 || isWanted(run, peer));
  const ours = contenderOf(run, gateway);
  const floor = await startFloor(run, await bytesOf(ours));
  const servers: BroadcastServer[] = [floor];
  for (const peer of peers) servers.push(await startPeer(run, peer));
  return [ours, ...servers.map((server) => contenderOf(run, server))];
}

function contenderOf(run: Run, server: BroadcastServer): Contender {
  const generator = startNodeChild<GeneratorCalls>(run.scope, {
    entry: run.tree.entry('bench/generator/main.ts'),
  });
  return { name: server.name, version: server.version, server, generator };
}

/** What a connect and its answer weigh, from one connection. */
async function bytesOf({
  server,
  generator,
}: Contender): Promise<{ helloBytes: number; replyBytes: number }> {
  const setup = withNewUsers(server.setup, 2 * FIRST_USER);
  if (setup.kind !== 'gateway') throw new Error('the floor is measured against the gateway');
  const { port } = server;
  await generator.call('open', { host: '127.0.0.1', port, setup, count: 1, inFlight: 1 });
  const { bytes } = await generator.call('totals', null);
  await generator.call('close', null);
  return { helloBytes: helloBytes(setup), replyBytes: bytes };
}

async function sample(
  { server, generator }: Contender,
  count: number,
  round: number,
): Promise<Sample> {
  const setup = withNewUsers(server.setup, FIRST_USER + (round + WARM_UPS) * count);
  const storePid = server.storePid ?? server.pid;
  const before = cpuMicros(server.pid);
  const storeBefore = cpuMicros(storePid);
  const { port } = server;
  const { ms, refused } = await generator.call('open', {
    ...{ host: '127.0.0.1', port, setup, count, inFlight: IN_FLIGHT },
  });
  const micros = cpuMicros(server.pid) - before;
  const storeMicros = cpuMicros(storePid) - storeBefore;
  await generator.call('close', null);
  await delay(LEAVE_MS);
  return {
    microsPerConnection: micros / count,
    storeMicrosPerConnection: server.storePid === undefined ? 0 : storeMicros / count,
    perSec: (count / ms) * 1_000,
    refused,
  };
}

function withNewUsers(setup: DialectSetup, firstUser: number): DialectSetup {
  return setup.kind === 'gateway' ? { ...setup, hasUserChannel: true, firstUser } : setup;
}
