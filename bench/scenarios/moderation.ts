// How soon a ban and an eviction hold in the whole fleet: orders at a fixed pace, open-loop, in a
// busy room on two workers. Each subject has a tab on both and goes on talking; an order has taken
// effect when both tabs were told, counted from the moment when it was due.
import { WebSocket } from 'ws';
import {
  createRedisBus,
  createTokenService,
  type Bus,
  type TokenService,
} from '../../cluster/index.js';
import { silentLog, until } from '../../cluster/testing/index.js';
import { RealtimeClient } from '../../gateway/client/index.js';
import {
  createGatewayControl,
  createRoomAdmin,
  type GatewayControl,
  type RoomAdmin,
} from '../../gateway/index.js';
import type { GeneratorCalls } from '../generator/calls.js';
import { interleave } from '../lib/interleave.js';
import { startNodeChild } from '../lib/node-child.js';
import { offer, preciseNowMs } from '../lib/open-loop.js';
import { holdAgainst, noPromise, pairOf, type Result, type ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { median, spreadOf, summarize } from '../lib/statistics.js';
import {
  BENCH_SECRET,
  startGatewayWorker,
  startRealtimeRedis,
  type RealtimeRedis,
} from '../servers/gateway-worker.js';
import { zeroRow } from './crowd/rows.js';

const ROOM = '21';
const BY = { id: 'staff', name: 'Staff', role: 'admin' };
/** Messages of the room beside what the subjects say. */
const ROOM_PER_SEC = 50;
const ORDERS_PER_SEC = 10;
/** Two tabs at this pace stay below what an account may say. */
const TALK_MS = 3_200;
const P99_MAX_MS = 200;
const TOLD_MS = 10_000;

type Act = 'ban' | 'eviction';
const acts = [{ name: 'ban' }, { name: 'eviction' }] as const;

interface Subject {
  readonly id: string;
  readonly tabs: readonly RealtimeClient[];
  /** When each tab was told, Unix ms. */
  readonly toldMs: number[];
  /** Offsets that its messages were acknowledged with. */
  readonly offsets: number[];
}

interface Sample {
  readonly latencies: readonly number[];
  /** Messages with a place above that of the ban. */
  readonly late: number;
}

interface Stage {
  readonly urls: readonly string[];
  readonly tokens: TokenService;
  readonly admin: RoomAdmin;
  readonly control: GatewayControl;
  readonly redis: RealtimeRedis;
}

export async function moderation(run: Run): Promise<ScenarioReport> {
  const { isQuick, rounds } = run.options;
  const [crowd, subjects] = isQuick ? [200, 20] : [2_000, 80];
  const stage = await openStage(run, crowd);
  run.say(`${crowd} viewers on 2 workers, ${subjects} orders of each kind a round`);
  const samples = await interleave(acts, { rounds, warmUps: 1 }, ({ name }, round) =>
    sample(stage, name, { round, count: subjects }),
  );
  const of = (act: Act): readonly Sample[] =>
    [...samples].flatMap(([one, list]) => (one.name === act ? list : []));
  return {
    scenario: 'moderation',
    limitedBy: 'pace',
    results: [
      ...acts.flatMap(({ name }) => rowsOf(name, of(name))),
      zeroRow(
        'sequenced after the ban',
        of('ban').map(({ late }) => late),
      ),
    ],
    notes: [
      `${crowd} viewers on 2 workers, ${ROOM_PER_SEC} messages/s; ${ORDERS_PER_SEC} orders/s.`,
      `Each of the ${subjects} subjects of a round has a tab on both workers and goes on talking; ` +
        'an order counts when both tabs were told.',
      'A ban goes through the sequencing script, an eviction over the bus.',
    ],
  };
}

async function openStage(run: Run, crowd: number): Promise<Stage> {
  const redis = await startRealtimeRedis(run);
  const { url } = redis.server;
  const urls: string[] = [];
  for (const at of [1, 2]) {
    const worker = await startGatewayWorker(run, { name: `gateway-${at}`, redisUrl: url });
    urls.push(`ws://127.0.0.1:${worker.port}`);
    const generator = startNodeChild<GeneratorCalls>(run.scope, {
      entry: run.tree.entry('bench/generator/main.ts'),
      execArgv: ['--max-semi-space-size=64'],
    });
    const setup = {
      ...({ kind: 'gateway', secret: BENCH_SECRET, rooms: [ROOM], isTimed: true } as const),
      ...({ encoding: 'rt1.msgpack', firstUser: at * 1_000_000 } as const),
    };
    await generator.call('open', {
      ...{ host: '127.0.0.1', port: worker.port, setup, count: crowd / 2, inFlight: 64 },
      witnesses: 1,
    });
  }
  const bus: Bus = await createRedisBus({ url, name: 'bench', log: silentLog });
  run.scope.teardown(() => bus.close());
  const admin = createRoomAdmin({ redis: redis.client, log: silentLog });
  // Everything that is said is sequenced: what is sampled would have no place to look at.
  const settings = { cap: 1_000 };
  await admin.moderate(ROOM, { action: 'settings', by: BY, mid: 'open', settings });
  const tokens = createTokenService(BENCH_SECRET);
  return { urls, tokens, admin, control: createGatewayControl(bus), redis };
}

async function sample(
  stage: Stage,
  act: Act,
  { round, count }: { readonly round: number; readonly count: number },
): Promise<Sample> {
  const { redis } = stage;
  const subjects = Array.from({ length: count }, (_, n) => enter(stage, `${act}${round}-${n}`));
  await until(() => subjects.every(({ tabs }) => tabs.every(({ state }) => state === 'online')), {
    what: 'all subjects are in',
  });
  const talking = subjects.map(talk);
  const latencies: number[] = [];
  const places = new Map<Subject, number>();
  const one = async (due: number, at: number): Promise<void> => {
    const subject = subjects[at];
    if (subject === undefined) return;
    places.set(subject, await order(stage, act, subject));
    await until(() => subject.toldMs.length === subject.tabs.length, {
      what: `${subject.id} was told`,
      deadlineMs: TOLD_MS,
    });
    latencies.push(Math.max(...subject.toldMs) - due);
  };
  const seconds = count / ORDERS_PER_SEC;
  await Promise.all([
    offer({ perSec: ORDERS_PER_SEC, count }, one),
    offer({ perSec: ROOM_PER_SEC, count: Math.ceil(seconds * ROOM_PER_SEC) }, (due) => {
      const body = { from: { id: '1', name: 'anna', role: 'viewer' }, text: `${due} hello there` };
      return redis.publisher.publish(`room:${ROOM}`, { cls: 'reliable', kind: 'm', body });
    }),
  ]);
  for (const timer of talking) clearInterval(timer);
  for (const { tabs } of subjects) for (const tab of tabs) tab.close();
  const late = subjects.flatMap((subject) =>
    subject.offsets.filter((offset) => offset > (places.get(subject) ?? 0)),
  );
  return { latencies, late: late.length };
}

/** @returns the place of the ban; an eviction has none */
async function order({ admin, control }: Stage, act: Act, { id }: Subject): Promise<number> {
  if (act === 'ban') {
    const { offset } = await admin.moderate(ROOM, { action: 'ban', by: BY, mid: id, user: id });
    return offset;
  }
  await control.send({ do: 'evict', room: ROOM, user: id, reason: 'ticket-show' });
  return Infinity;
}

function enter({ urls, tokens }: Stage, id: string): Subject {
  const toldMs: number[] = [];
  let ticketCount = 0;
  const tabs = urls.map((url, tab) => {
    const client = new RealtimeClient({
      credentials: () =>
        Promise.resolve({
          token: tokens.sign('connect', { sub: id, name: id, role: 'viewer' }, 600),
          urls: [url],
        }),
      WebSocket,
    });
    const ticket = (): string => {
      ticketCount += 1;
      const claims = { sub: id, room: ROOM, level: 'participant', jti: `${tab}.${ticketCount}` };
      return tokens.sign('room', claims, 30);
    };
    const onEnd = (): void => void toldMs.push(preciseNowMs());
    client.subscribe(`room:${ROOM}`, { ticket }, { onEnd });
    client.connect();
    return client;
  });
  return { id, tabs, toldMs, offsets: [] };
}

function talk({ tabs, offsets, id }: Subject): NodeJS.Timeout {
  const say = (client: RealtimeClient): void => {
    client.publish(`room:${ROOM}`, `${id} says`).then(
      ({ offset }) => offsets.push(offset),
      () => undefined, // banned, or too early
    );
  };
  return setInterval(() => tabs.forEach(say), TALK_MS);
}

function rowsOf(act: Act, samples: readonly Sample[]): Result[] {
  const summaries = samples.map(({ latencies }) => summarize([latencies]));
  return (['p50', 'p99', 'max'] as const).map((name) => {
    const values = summaries.map((one) => one[name]);
    return {
      ...{ name: `${act}, due → both tabs told, ${name}`, value: median(values), unit: 'ms' },
      ...{ better: 'less', spread: pairOf(spreadOf(values)), ceiling: null, ratio: null },
      ...{ ratioSpread: null, peers: [], limitedBy: 'pace' },
      ...(name === 'p99' ? holdAgainst('value', median(values), '<=', P99_MAX_MS) : noPromise),
    } as const;
  });
}
