// A gateway worker that works for as long as it is asked to: one room that goes on under clients
// whose connections die again and again, and visitors who come to other rooms, are told something
// and go. A round is a minute; after each, what is alive in the worker is looked at. In the end,
// when all have gone, nothing may be left over.
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../cluster/testing/index.js';
import { memoryOf, openInspector, type Memory } from '../lib/forced-collection.js';
import { offer } from '../lib/open-loop.js';
import { holdAgainst, type Result, type ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { median } from '../lib/statistics.js';
import { createScope } from '../lib/teardown.js';
import {
  startGatewayWorker,
  startRealtimeRedis,
  type GatewayWorker,
  type RealtimeRedis,
} from '../servers/gateway-worker.js';
import { Crowd, type CrowdAccount } from './crowd/crowd.js';
import { crowdRows } from './crowd/rows.js';

const ROOM = '20';
const READERS = 60;
const PER_SEC = 10;
const CUT_EVERY_MS = 500;
const OFFLINE_MS = 300;
const VISITORS = 20;
const VISIT_MESSAGES = 10;
const FIRST_VISIT = 1_000;
/** Minutes in which a worker compiles, and its tables get their size. */
const WARM_UP = 2;
/** A channel lingers for a minute. */
const EMPTY_MS = 120_000;
const SETTLE_MS = 30_000;
/** Growth per minute that is not taken for a leak: a visit leaves 20 users and a room behind. */
const HEAP_KB_MAX = 64;
const RSS_KB_MAX = 512;

interface Leftovers {
  readonly channels: number;
  readonly sockets: number;
  readonly feeds: number;
}

export async function soak(run: Run): Promise<ScenarioReport> {
  const minutes = run.options.rounds;
  const minuteMs = run.options.isQuick ? 5_000 : 60_000;
  const inspectorPort = await freePort();
  const redis = await startRealtimeRedis(run);
  const worker = await startGatewayWorker(run, {
    ...{ name: 'gateway-1', redisUrl: redis.server.url },
    env: { NODE_OPTIONS: `--inspect-port=${inspectorPort}` },
  });
  await openInspector(worker.pid, inspectorPort);
  const before = await leftovers(redis, worker);
  const urls = [`ws://127.0.0.1:${worker.port}/`];
  const scope = createScope();
  run.scope.teardown(() => scope.close());
  const steady = await Crowd.open(scope, { count: READERS, room: ROOM, urls });
  const messages = Math.round((minutes * minuteMs * PER_SEC) / 1_000);
  const talking = speak(redis, ROOM, { perSec: PER_SEC, count: messages });
  let cuts = 0;
  const cutter = setInterval(() => steady.cut((cuts += 1), OFFLINE_MS), CUT_EVERY_MS);
  run.scope.teardown(() => clearInterval(cutter));
  const memory: Memory[] = [];
  const visits: CrowdAccount[] = [];
  const began = performance.now();
  for (let minute = 1; minute <= minutes; minute += 1) {
    while (performance.now() < began + minute * minuteMs) {
      visits.push(await visit(redis, urls, String(FIRST_VISIT + visits.length)));
    }
    memory.push(await memoryOf(worker.pid, inspectorPort));
    run.say(`minute ${minute}: ${kilobytes(memory.at(-1)?.heapUsedBytes)} KB live`);
  }
  clearInterval(cutter);
  await talking;
  const account = await steady.account(messages, SETTLE_MS);
  await scope.close();
  const after = await whenEmpty(redis, worker, before);
  return {
    scenario: 'soak',
    limitedBy: 'pace',
    results: [...crowdRows([account, ...visits]), ...growth(memory), ...leftRows(before, after)],
    notes: [
      `${READERS} readers of one room, ${messages} messages at ${PER_SEC}/s, ${cuts} connections destroyed; ` +
        `${visits.length} visits of ${VISITORS} clients to a room of their own.`,
      'Every client decodes everything and was checked for holes, repeats and order.',
      `Memory after a forced collection, each minute; its growth is that from minute ${WARM_UP + 1} on.`,
    ],
  };
}

function speak(
  redis: RealtimeRedis,
  room: string,
  pace: { readonly perSec: number; readonly count: number },
): Promise<void> {
  return offer(pace, (due, at) =>
    redis.publisher.publish(`room:${room}`, {
      ...{ cls: 'reliable', kind: 't', mid: `s${at}` },
      body: { text: `${due} ${at + 1}` },
    }),
  );
}

/** Some come, are told something, and go. */
async function visit(
  redis: RealtimeRedis,
  urls: readonly string[],
  room: string,
): Promise<CrowdAccount> {
  const scope = createScope();
  try {
    const crowd = await Crowd.open(scope, { count: VISITORS, room, urls, firstUser: 4_000_000 });
    await speak(redis, room, { perSec: 20, count: VISIT_MESSAGES });
    return await crowd.account(VISIT_MESSAGES, SETTLE_MS);
  } finally {
    await scope.close();
  }
}

/** Waits until there is as little as before. @returns what is left after that time */
async function whenEmpty(
  redis: RealtimeRedis,
  worker: GatewayWorker,
  before: Leftovers,
): Promise<Leftovers> {
  const end = performance.now() + EMPTY_MS;
  for (;;) {
    const now = await leftovers(redis, worker);
    const isEmpty =
      now.channels <= before.channels && now.sockets <= before.sockets && now.feeds <= before.feeds;
    if (isEmpty || performance.now() > end) return now;
    await delay(500);
  }
}

async function leftovers(redis: RealtimeRedis, { opsPort }: GatewayWorker): Promise<Leftovers> {
  const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  const sum = (name: string): number =>
    [
      ...text.matchAll(new RegExp(`^showbill_gateway_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm')),
    ].reduce((total, [, value]) => total + Number(value), 0);
  const feeds = (await redis.client.call('PUBSUB', ['SHARDCHANNELS'])) as unknown[];
  return { channels: sum('channels'), sockets: sum('sockets'), feeds: feeds.length };
}

const plain = {
  ...{ ceiling: null, ratio: null, ratioSpread: null, peers: [] },
  limitedBy: 'pace',
  better: 'less',
} as const;

function growth(memory: readonly Memory[]): Result[] {
  const settled = memory.slice(Math.min(WARM_UP, Math.max(0, memory.length - 2)));
  const rows = [
    ['live heap', (one: Memory) => one.heapUsedBytes, HEAP_KB_MAX],
    ['resident memory', (one: Memory) => one.residentBytes, RSS_KB_MAX],
  ] as const;
  return rows.map(([name, pick, max]) => {
    const slope = slopeOf(settled.map((one) => kilobytes(pick(one))));
    const all = memory.map((one) => kilobytes(pick(one)));
    return {
      ...{ ...plain, name: `growth of ${name}`, value: slope, unit: 'KB / minute' },
      spread: [Math.min(...all), Math.max(...all)],
      ...holdAgainst('value', slope, '<=', max),
    };
  });
}

/** Median of the slopes between all pairs: a single minute that is odd does not move it. */
function slopeOf(values: readonly number[]): number {
  const slopes = values.flatMap((late, to) =>
    values.slice(0, to).map((early, from) => (late - early) / (to - from)),
  );
  return slopes.length === 0 ? 0 : median(slopes);
}

function kilobytes(bytes = 0): number {
  return Math.round(bytes / 1_024);
}

function leftRows(before: Leftovers, after: Leftovers): Result[] {
  return (['channels', 'sockets', 'feeds'] as const).map((name) => {
    const value = after[name] - before[name];
    return {
      ...{ ...plain, name: `${name} left over`, value, unit: '' },
      spread: [before[name], after[name]],
      ...holdAgainst('value', value, '<=', 0),
    };
  });
}
