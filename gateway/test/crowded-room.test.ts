// Many at once in one room: newcomers between two messages of a busy one, and many who publish over
// several workers. Each reader is held against the acknowledgements, which say what stands at which
// offset. By night (SHOWBILL_FUZZ_ROUNDS) with a thousand newcomers and fifty thousand messages.
import { setInterval as ticks } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { fuzzRounds } from '../../cluster/config.js';
import { silentLog, startRedis, until } from '../../cluster/testing/index.js';
import { createPublisher, type Publisher } from '../index.js';
import { startWorker, watch, type TestWorker, type Watched } from './worker-harness.js';

const JOINS = Math.min(1_000, fuzzRounds(150));
const MESSAGES = Math.min(50_000, fuzzRounds(6_000));
const PUBLISHERS = 8;
/** Messages that a publisher has on their way at a time. */
const AT_ONCE = 50;
/** Messages that a performer says at once: fewer than the commands that a connection may send. */
const SAYINGS = 20;
const ROOM = 'room:crowd';
const PATIENT = { deadlineMs: 120_000, everyMs: 20 };
/** History holds everything, so that whoever falls behind has no excuse. */
const historyMax = 100_000;

async function open(t: Test, workerCount: number) {
  const server = await startRedis(t);
  const workers: TestWorker[] = [];
  for (let n = 0; n < workerCount; n += 1) {
    workers.push(await startWorker(t, server.url, { settings: { historyMax } }));
  }
  /** As another process of the site has it. */
  const publisher = async (): Promise<Publisher> => {
    const redis = await connectRedis(server.url, { role: 'command', name: 'site', log: silentLog });
    t.teardown(() => closeRedis(redis));
    return createPublisher({ redis, log: silentLog, historyMax });
  };
  /** At a worker each, in turns; every third reads JSON. */
  const enter = (n: number): Watched =>
    watch(t, [workers[n % workerCount]?.url ?? ''], ROOM, {
      ...{ sub: `v${n}`, level: 'performer', encoding: n % 3 === 0 ? 'rt1.json' : 'rt1.msgpack' },
    });
  return { publisher, enter };
}

/** What the acknowledgements say: texts by offset. */
type Places = Map<number, string>;

async function say(publisher: Publisher, text: string, places: Places): Promise<void> {
  const outcome = await publisher.publish(ROOM, { kind: 't', cls: 'reliable', body: { text } });
  places.set(outcome.cls === 'reliable' ? outcome.offset : 0, text);
}

/** Why what a reader was shown is not a whole piece of the sequence up to its top. */
function faultOf({ messages, events }: Watched, places: Places): string | undefined {
  const shown = messages.filter(({ offset }) => offset > 0);
  const first = shown[0]?.offset ?? 0;
  const wanted = Array.from({ length: places.size - first + 1 }, (_, at) => first + at);
  if (first < 1 || shown.length !== wanted.length) return `${shown.length} from ${first} on`;
  const at = wanted.findIndex(
    (offset, at) => shown[at]?.offset !== offset || shown[at].body['text'] !== places.get(offset),
  );
  if (at >= 0) return `offset ${shown[at]?.offset} in place of ${wanted[at]}`;
  return events.includes('lost') ? 'was told of a loss' : undefined;
}

async function allAreWhole(t: Test, readers: readonly Watched[], places: Places): Promise<void> {
  t.same(
    [...places.keys()].sort((a, b) => a - b),
    Array.from({ length: places.size }, (_, at) => at + 1),
    'every offset was given once',
  );
  const topOf = ({ messages }: Watched) => messages.findLast(({ offset }) => offset > 0)?.offset;
  await until(() => readers.every((one) => topOf(one) === places.size), {
    ...{ what: 'all have the last message', ...PATIENT },
  });
  const faults = readers.map((one) => faultOf(one, places)).filter((one) => one !== undefined);
  t.same(faults, [], 'each has one whole piece, in order, and nothing twice');
}

t.test(
  `${JOINS} join while messages flow: what each gets at first and what is live make one piece`,
  async (t) => {
    const { publisher, enter } = await open(t, 2);
    const site = await publisher();
    const places: Places = new Map();
    const readers: Watched[] = [];
    const said: Promise<void>[] = [];
    // 200 a second, or as many as the machine can.
    for await (const _ of ticks(5)) {
      said.push(say(site, `m${said.length}`, places));
      if (readers.length < JOINS) readers.push(enter(readers.length));
      else if (readers.every((one) => one.events.length > 0)) break;
    }
    await Promise.all(said);
    await allAreWhole(t, readers, places);
    // A hole would be mended by the client, which asks again.
    const again = readers.filter(({ events }) => events.length > 1).length;
    t.ok(again < JOINS / 10, `they had it at the first attempt (but for ${again})`);
    const backlogs = readers.map(({ messages }) => messages.filter((one) => one.isBacklog).length);
    t.ok(backlogs.filter((count) => count > 0).length > JOINS / 2, 'most found something there');
  },
);

t.test(
  `${MESSAGES} messages of ${PUBLISHERS} who publish, and what four workers' clients say: one order`,
  async (t) => {
    const { publisher, enter } = await open(t, 4);
    const readers = Array.from({ length: PUBLISHERS }, (_, n) => enter(n));
    await until(() => readers.every((one) => one.events.length > 0), { what: 'all in' });
    const places: Places = new Map();
    const publish = async (n: number): Promise<void> => {
      const site = await publisher();
      for (let sent = 0; sent < MESSAGES / PUBLISHERS; sent += AT_ONCE) {
        const count = Math.min(AT_ONCE, MESSAGES / PUBLISHERS - sent);
        const texts = Array.from({ length: count }, (_, at) => `${n}.${sent + at}`);
        await Promise.all(texts.map((text) => say(site, text, places)));
      }
    };
    const chat = async ({ client }: Watched, n: number): Promise<void> => {
      for (let said = 0; said < SAYINGS; said += 1) {
        const text = `c${n}.${said}`;
        places.set((await client.publish(ROOM, text)).offset, text);
      }
    };
    const publishing = Array.from({ length: PUBLISHERS }, (_, n) => publish(n));
    await Promise.all([...publishing, ...readers.map(chat)]);
    t.equal(places.size, MESSAGES + PUBLISHERS * SAYINGS);
    await allAreWhole(t, readers, places);
    for (let n = 0; n < PUBLISHERS; n += 1) {
      const own = readers[0]?.texts().filter((text) => text.startsWith(`${n}.`)) ?? [];
      const numbers = own.map((text) => Number(text.slice(text.indexOf('.') + 1)));
      t.ok(
        numbers.every((one, at) => one === at),
        'a publisher keeps its order',
      );
    }
  },
);
