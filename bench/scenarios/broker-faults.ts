// The broker's faults as clients see them: every pub/sub link killed, Redis stopped for three
// seconds, a worker killed with SIGKILL, while a room goes on at 100 messages/s. Beside it a plain
// ioredis subscriber on the same feed shows what pub/sub alone loses.
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { offer } from '../lib/open-loop.js';
import type { Result, ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { startGatewayWorker, startRealtimeRedis } from '../servers/gateway-worker.js';
import { Crowd, type CrowdAccount } from './crowd/crowd.js';
import { crowdRows, zeroRow } from './crowd/rows.js';

const CLIENTS = 200;
const PER_SEC = 100;
const PAUSE_MS = 3_000;
const SETTLE_MS = 30_000;
const ATTEMPT_MS = 250;

type Stage = Awaited<ReturnType<typeof openStage>>;

interface Fault {
  readonly name: string;
  readonly strike: (stage: Stage) => Promise<void>;
}

const faults: readonly Fault[] = [
  {
    name: 'links killed',
    strike: async ({ redis }) => {
      await redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    },
  },
  {
    name: 'Redis stopped 3 s',
    strike: async ({ redis }) => {
      redis.server.pause();
      await delay(PAUSE_MS);
      redis.server.resume();
    },
  },
  {
    name: 'worker kill -9',
    strike: ({ workers }) => {
      const pid = workers[0]?.pid;
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      return Promise.resolve();
    },
  },
];

export async function brokerFaults(run: Run): Promise<ScenarioReport> {
  const seconds = run.options.isQuick ? 4 : 10;
  const results: Result[] = [];
  const notes: string[] = [];
  for (const fault of faults) {
    run.say(fault.name);
    const { account, plainLost, sent } = await strikeOnce(run, fault, seconds);
    const peer = {
      ...{ name: 'plain ioredis subscriber', version: '', value: plainLost, ratio: 0 },
      ratioMax: null,
    };
    results.push(
      zeroRow(`${fault.name}: never shown`, [account.lost], [peer]),
      ...crowdRows([account])
        .slice(1)
        .map((row) => ({ ...row, name: `${fault.name}: ${row.name}` })),
    );
    notes.push(
      `${fault.name}: ${sent} messages, a plain subscriber of the feed lost ${plainLost}.`,
    );
  }
  return {
    scenario: 'broker-faults',
    limitedBy: 'pace',
    results,
    notes: [
      `${CLIENTS} reference clients on two workers, ${PER_SEC} messages/s; a publish that Redis did not ` +
        'answer is repeated with its mid until it is.',
      ...notes,
    ],
  };
}

async function openStage(run: Run) {
  const redis = await startRealtimeRedis(run);
  const workers = await Promise.all(
    ['gateway-1', 'gateway-2'].map((name) =>
      startGatewayWorker(run, { name, redisUrl: redis.server.url }),
    ),
  );
  const urls = workers.map(({ port }) => `ws://127.0.0.1:${port}/`);
  const crowd = await Crowd.open(run.scope, { count: CLIENTS, room: '9', urls });
  return { redis, workers, crowd };
}

async function strikeOnce(
  run: Run,
  fault: Fault,
  seconds: number,
): Promise<{ account: CrowdAccount; plainLost: number; sent: number }> {
  const stage = await openStage(run);
  const plain = await plainSubscriber(run, stage.redis.server.url);
  const count = PER_SEC * seconds;
  const faulty = delay((seconds * 1_000) / 3).then(() => fault.strike(stage));
  await offer({ perSec: PER_SEC, count }, (due, at) => publish(stage, `${due} ${at + 1}`, at));
  await faulty;
  const account = await stage.crowd.account(count, SETTLE_MS);
  return { account, plainLost: count - plain(), sent: count };
}

/** The same mid until it is acknowledged: what a backend does. */
async function publish({ redis }: Stage, text: string, at: number): Promise<void> {
  for (;;) {
    try {
      const request = { cls: 'reliable', kind: 't', mid: `f${at}`, body: { text } } as const;
      await redis.publisher.publish('room:9', request);
      return;
    } catch {
      await delay(ATTEMPT_MS);
    }
  }
}

/** Listens to the room's feed as ioredis does by itself. @returns how many messages it has seen */
async function plainSubscriber(run: Run, url: string): Promise<() => number> {
  const subscriber = new Redis(url, { maxRetriesPerRequest: null });
  subscriber.on('error', () => undefined);
  run.scope.teardown(() => subscriber.disconnect());
  const seen = new Set<string>();
  subscriber.on('smessageBuffer', (_channel: Buffer, payload: Buffer) => {
    for (const [mid] of payload.toString('latin1').matchAll(/\bf\d+$|f\d+(?=[^\d])/g))
      seen.add(mid);
  });
  const feeds = (await subscriber.call('PUBSUB', 'SHARDCHANNELS', '*:room:9')) as string[];
  await subscriber.ssubscribe(...feeds);
  return () => seen.size;
}
