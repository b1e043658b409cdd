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
import { holdAgainst, noPromise, pairOf, type ScenarioReport } from '../lib/result.js';
import { isWanted, type Run } from '../lib/run-context.js';
import { median, pairedRatio, shortNumber, spreadOf } from '../lib/statistics.js';
import type { BroadcastServer } from '../servers/broadcast-server.js';
import { chatBody, ROOM, startFullGateway } from '../servers/full-gateway.js';
import { PEERS, startFloor, startPeer } from '../servers/peer.js';

const MICROS_MAX = 75;
/** The same as a multiple of a raw upgrade, which took 30 µs where the promise was made. */
const RAW_RATIO_MAX = 2.5;
const BACKLOG = 50;
/** A crowd that comes back. */
const CROWD = 512;
const TRICKLE = 32;
const WARM_UPS = 3;
const FIRST_USER = 1_000_000;
/** Until a worker has closed the channels of users who have left: that is not counted. */
const FORGET_MS = 11_500;
/** Until the room has told all of them how many there are: a frame for each, which is fan-out. */
const STAY_MS = 8_000;
/** An outage of the network; the server has time to say goodbye to all. */
const AWAY_MS = 2_000;

interface Contender {
  readonly name: string;
  readonly version: string;
  readonly server: BroadcastServer;
  readonly setup: DialectSetup;
  readonly inFlight: number;
  /**
   * Comes right before those that are counted, half as many, and stays: V8 drops what it has
   * compiled when a worker has nobody for some seconds, which no worker at work has.
   */
  readonly first: NodeChild<GeneratorCalls>;
  readonly generator: NodeChild<GeneratorCalls>;
  /** Shared by the contenders of one server: what one leaves behind is not the next one's cost. */
  readonly leaving: { atMs: number };
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
  const count = isQuick ? 300 : 4_000;
  const { gateway, returning, trickle, floor, peers } = await openAll(run);
  // The two newcomers' are apart, since each waits until the server has forgotten the other's.
  const contenders = [gateway, floor, ...peers];
  contenders.splice(contenders.length / 2, 0, returning, trickle);
  const samples = await interleave(
    contenders,
    { rounds, warmUps: isQuick ? 1 : WARM_UPS },
    (one, round) => sample(one, count, round),
  );
  const cost = (one: Contender): number[] =>
    (samples.get(one) ?? []).map((sample) => sample.microsPerConnection);
  const ours = cost(gateway);
  const above = ours.map((micros, at) => micros - (cost(floor)[at] ?? micros));
  const store = (samples.get(gateway) ?? []).map((one) => one.storeMicrosPerConnection);
  const refused = (samples.get(gateway) ?? []).map((one) => one.refused);
  const rate = (samples.get(gateway) ?? []).map((one) => one.perSec);
  const row = (one: Contender) => {
    const ratio = pairedRatio(cost(one), cost(floor));
    return {
      ...{ name: one.name, value: median(cost(one)), spread: pairOf(spreadOf(cost(one))) },
      ...({ unit: 'µs CPU / connection', better: 'less', limitedBy: 'server' } as const),
      ceiling: { name: floor.name, value: median(cost(floor)) },
      ...{ ratio: ratio.median, ratioSpread: pairOf(ratio) },
    };
  };
  const promised = (one: Contender) => ({
    ...row(one),
    peers: peers.map((peer, at) => ({
      ...{ name: peer.name, version: peer.version, value: median(cost(peer)) },
      ratio: pairedRatio(cost(one), cost(peer)).median,
      ratioMax: at === 0 ? RAW_RATIO_MAX : null,
    })),
    ...holdAgainst('value', median(cost(one)), '<=', MICROS_MAX),
  });
  return {
    scenario: 'connect',
    limitedBy: 'server',
    results: [promised(gateway), promised(returning), { ...row(trickle), peers: [], ...noPromise }],
    notes: [
      `${count} connections a round, ${CROWD} at a time, right after ${count / 2} that are not ` +
        `counted; ${BACKLOG} messages of backlog. ${TRICKLE} at a time where it says a few.`,
      'Newcomers have a ticket that is good once and their own channel, which is not open yet: ' +
        'two things to ask Redis. Who comes back was there until two seconds ago, with the same ' +
        'token and the ticket to come back with, and has the lobby instead of the own channel.',
      `Above the floor, which is the kernel's and the library's: ${shortNumber(median(above))} µs.`,
      `The promise of ${MICROS_MAX} µs was made where a raw upgrade takes 30 µs, so it is held ` +
        `against ${RAW_RATIO_MAX} raw upgrades of the same round, too.`,
      'Peers only shake hands: no token, no subscription, no backlog.',
      `Redis: ${shortNumber(median(store))} µs CPU per connection. ` +
        `Wall: ${shortNumber(median(rate))} connections/s, generator on the same machine; ` +
        `${shortNumber(median(refused))} refused and tried again.`,
    ],
  };
}

interface Contenders {
  readonly gateway: Contender;
  readonly returning: Contender;
  readonly trickle: Contender;
  readonly floor: Contender;
  readonly peers: readonly Contender[];
}

async function openAll(run: Run): Promise<Contenders> {
  const gateway = await startFullGateway(run);
  for (let at = 0; at < BACKLOG; at += 1) {
    const message = { cls: 'reliable', kind: 'm', body: chatBody() } as const;
    await gateway.redis.publisher.publish(`room:${ROOM}`, message);
  }
  const peers = Object.keys(PEERS).filter((peer, at) => at === 0 || isWanted(run, peer));
  const { setup } = gateway;
  if (setup.kind !== 'gateway') throw new Error('this is about the gateway');
  const ours = contenderOf(run, gateway, {
    name: 'newcomers: token, ticket, 2 subscriptions, backlog',
    setup: { ...setup, hasUserChannel: true },
  });
  const returning = {
    ...contenderOf(run, gateway, {
      name: 'coming back: the same, nothing to ask Redis',
      setup: { ...setup, isReturning: true },
    }),
    leaving: ours.leaving,
  };
  const trickle = { ...ours, name: 'newcomers, a few at a time', inFlight: TRICKLE };
  const floor = await startFloor(run, await bytesOf(ours));
  const others: Contender[] = [];
  for (const peer of peers) {
    const server = await startPeer(run, peer);
    others.push(contenderOf(run, server));
  }
  return { gateway: ours, returning, trickle, floor: contenderOf(run, floor), peers: others };
}

function contenderOf(
  run: Run,
  server: BroadcastServer,
  { name, setup }: { readonly name: string; readonly setup: DialectSetup } = server,
): Contender {
  const newGenerator = (): NodeChild<GeneratorCalls> =>
    startNodeChild<GeneratorCalls>(run.scope, { entry: run.tree.entry('bench/generator/main.ts') });
  const { version } = server;
  const generators = { first: newGenerator(), generator: newGenerator() };
  return { name, version, server, setup, inFlight: CROWD, ...generators, leaving: { atMs: 0 } };
}

/** What a connect and its answer weigh, from one connection. */
async function bytesOf({
  server,
  setup,
  generator,
}: Contender): Promise<{ helloBytes: number; replyBytes: number }> {
  if (setup.kind !== 'gateway') throw new Error('the floor is measured against the gateway');
  const { port } = server;
  await generator.call('open', { host: '127.0.0.1', port, setup, count: 1, inFlight: 1 });
  const { bytes } = await generator.call('totals', null);
  await generator.call('close', null);
  return { helloBytes: helloBytes(setup), replyBytes: bytes };
}

function isReturning(setup: DialectSetup): boolean {
  return setup.kind === 'gateway' && setup.isReturning === true;
}

async function sample(
  { server, setup, inFlight, first, generator, leaving }: Contender,
  count: number,
  round: number,
): Promise<Sample> {
  // Each round of each contender has users of its own.
  const firstUser = FIRST_USER * (1 + inFlight) + (round + WARM_UPS) * 2 * count;
  const users = { ...setup, firstUser };
  const storePid = server.storePid ?? server.pid;
  const target = { host: '127.0.0.1', port: server.port, inFlight };
  await delay(Math.max(0, leaving.atMs + FORGET_MS - performance.now()));
  if (isReturning(setup)) {
    // Those who come back have been here: with this token and this ticket, until a moment ago.
    await generator.call('open', { ...target, setup: users, count });
    await delay(STAY_MS);
    await generator.call('close', null);
    await delay(AWAY_MS);
  }
  const earlier = { ...setup, firstUser: firstUser + count };
  await first.call('open', { ...target, setup: earlier, count: count / 2 });
  const before = cpuMicros(server.pid);
  const storeBefore = cpuMicros(storePid);
  const { ms, refused } = await generator.call('open', { ...target, setup: users, count });
  const micros = cpuMicros(server.pid) - before;
  const storeMicros = cpuMicros(storePid) - storeBefore;
  await Promise.all([first.call('close', null), generator.call('close', null)]);
  leaving.atMs = performance.now();
  return {
    microsPerConnection: micros / count,
    storeMicrosPerConnection: server.storePid === undefined ? 0 : storeMicros / count,
    perSec: (count / ms) * 1_000,
    refused,
  };
}
