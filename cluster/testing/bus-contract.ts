// The words of pubsub/bus.ts as tests, run against every implementation (after mqemitter's
// abstractTest).
import type { Test } from 'tap';
import type { Bus } from '../pubsub/bus.js';
import { PAYLOAD_BYTES_MAX } from '../pubsub/bus.js';
import { seededRandom } from './seed.js';
import { until } from './until.js';

/** How the suite gets at one implementation. */
export interface BusUnderTest {
  /** A bus as another process would have it; closed by the harness at the end of the test. */
  readonly open: () => Promise<Bus>;
  /** Breaks every subscriber's link, so that what is published meanwhile may be lost. */
  readonly cutLinks: () => Promise<void>;
}

/** Registers the suite as subtests of `t`; `arrange` is called once for each. */
export async function busContract(
  t: Test,
  arrange: (t: Test) => Promise<BusUnderTest>,
): Promise<void> {
  await deliveryContract(t, arrange);
  await subscriptionContract(t, arrange);
  await gapContract(t, arrange);
  await refusalContract(t, arrange);
}

type Arrange = (t: Test) => Promise<BusUnderTest>;

async function deliveryContract(t: Test, arrange: Arrange): Promise<void> {
  await t.test(
    'every subscriber gets a message once, also in the publishing process',
    async (t) => {
      const { open } = await arrange(t);
      const [one, two] = [await open(), await open()];
      const seen: string[] = [];
      await one.subscribe('greeting', (payload) => void seen.push(`one ${payload.toString()}`));
      await two.subscribe('greeting', (payload) => void seen.push(`two ${payload.toString()}`));
      await two.subscribe('greeting', (payload) => void seen.push(`too ${payload.toString()}`));
      await two.subscribe('other', (payload) => void seen.push(`other ${payload.toString()}`));

      await one.publish('greeting', 'hello');
      await one.publish('other', 'end');
      await until(() => seen.length >= 4, { what: 'four deliveries' });

      t.same(seen.sort(), ['one hello', 'other end', 'too hello', 'two hello']);
    },
  );

  await t.test('messages of one publisher on one topic keep their order', async (t) => {
    const { open } = await arrange(t);
    const [from, to] = [await open(), await open()];
    const seen: string[] = [];
    await to.subscribe('count', (payload) => void seen.push(payload.toString()));
    const sent = Array.from({ length: 500 }, (_, i) => String(i));

    await Promise.all(sent.map((one) => from.publish('count', one)));
    await until(() => seen.length >= sent.length, { what: 'all messages' });

    t.same(seen, sent);
  });

  await t.test('bytes arrive unaltered, from none to the maximum, on many topics', async (t) => {
    const { open } = await arrange(t);
    const [from, to] = [await open(), await open()];
    const random = seededRandom(t);
    const lengths = [0, 1, 2, 100, 4_096, 70_000, PAYLOAD_BYTES_MAX];
    const sent = new Map(
      lengths.map((length, i) => [
        `bytes:${i}:\u007e`,
        Buffer.from(Array.from({ length }, () => random.int(0, 255))),
      ]),
    );
    const seen = new Map<string, Buffer>();
    for (const topic of sent.keys()) {
      await to.subscribe(topic, (payload, where) => void seen.set(where, payload));
    }

    for (const [topic, bytes] of sent) await from.publish(topic, bytes);
    await until(() => seen.size === sent.size, { what: 'every length' });

    for (const [topic, bytes] of sent) t.ok(seen.get(topic)?.equals(bytes), topic);
  });

  await t.test('each subscriber owns its bytes', async (t) => {
    const { open } = await arrange(t);
    const bus = await open();
    const seen: string[] = [];
    for (let i = 0; i < 2; i += 1) {
      await bus.subscribe('shared', (payload) => {
        seen.push(payload.toString());
        payload.fill('x');
      });
    }
    const sent = Buffer.from('mine');

    await bus.publish('shared', sent);
    sent.fill('y');
    await until(() => seen.length === 2, { what: 'both deliveries' });

    t.same(seen, ['mine', 'mine']);
  });
}

async function subscriptionContract(t: Test, arrange: Arrange): Promise<void> {
  await t.test('after subscribe has resolved nothing is missed', async (t) => {
    const { open } = await arrange(t);
    const [from, to] = [await open(), await open()];
    for (let i = 0; i < 50; i += 1) {
      const seen: string[] = [];
      await to.subscribe(`fresh:${i}`, (payload) => void seen.push(payload.toString()));
      await from.publish(`fresh:${i}`, 'now');
      await until(() => seen.length === 1, { what: `message ${i}` });
    }
    t.pass();
  });

  await t.test('after unsubscribe nothing arrives, and others still get theirs', async (t) => {
    const { open } = await arrange(t);
    const [from, to] = [await open(), await open()];
    const [gone, stays]: [string[], string[]] = [[], []];
    const leave = await to.subscribe('news', (payload) => void gone.push(payload.toString()));
    const leaveToo = await to.subscribe('news', (payload) => void stays.push(payload.toString()));

    await leave();
    await leave();
    await from.publish('news', '1');
    await until(() => stays.length === 1, { what: 'the other subscriber' });
    await leaveToo();
    await from.publish('news', '2');
    const again: string[] = [];
    await to.subscribe('news', (payload) => void again.push(payload.toString()));
    await from.publish('news', '3');
    await until(() => again.length > 0, { what: 'a subscriber that came back' });

    t.same({ gone, stays, again }, { gone: [], stays: ['1'], again: ['3'] });
  });

  await t.test('subscribing and leaving in any order ends with those who stayed', async (t) => {
    const { open } = await arrange(t);
    const [from, to] = [await open(), await open()];
    const random = seededRandom(t);
    const staying = new Map<number, string[]>();
    const rounds = Array.from({ length: 60 }, (_, id) => id).map(async (id) => {
      const topic = `churn:${id % 3}`;
      const seen: string[] = [];
      const leave = await to.subscribe(topic, (payload) => void seen.push(payload.toString()));
      if (random.chance(0.7)) await leave();
      else staying.set(id, seen);
    });
    await Promise.all(rounds);

    for (let i = 0; i < 3; i += 1) await from.publish(`churn:${i}`, `to ${i}`);
    await until(() => [...staying.values()].every((seen) => seen.length > 0), {
      what: 'everybody',
    });

    for (const [id, seen] of staying) t.same(seen, [`to ${id % 3}`]);
  });

  await t.test('a handler that throws does not keep others from the message', async (t) => {
    const { open } = await arrange(t);
    const bus = await open();
    const seen: string[] = [];
    await bus.subscribe('risky', () => {
      throw new Error('broken handler');
    });
    await bus.subscribe('risky', (payload) => void seen.push(payload.toString()));

    await bus.publish('risky', '1');
    await bus.publish('risky', '2');
    await until(() => seen.length === 2, { what: 'both messages' });

    t.same(seen, ['1', '2']);
  });
}

async function gapContract(t: Test, arrange: Arrange): Promise<void> {
  await t.test('a lost link is announced once per loss, before the next message', async (t) => {
    const { open, cutLinks } = await arrange(t);
    const [from, to] = [await open(), await open()];
    const seen: string[] = [];
    const onGap = (): void => void seen.push('gap');
    await to.subscribe('feed', (payload) => void seen.push(payload.toString()), { onGap });
    await from.publish('feed', 'before');
    await until(() => seen.length === 1, { what: 'the first message' });

    await cutLinks();
    await until(() => seen.includes('gap'), { what: 'the gap' });
    await from.publish('feed', 'after');
    await until(() => seen.includes('after'), { what: 'the message after the gap' });
    await cutLinks();
    await until(() => seen.filter((one) => one === 'gap').length === 2, { what: 'the second gap' });

    t.same(seen, ['before', 'gap', 'after', 'gap']);
  });

  await t.test('without a loss there is no gap, and every topic learns of a loss', async (t) => {
    const { open, cutLinks } = await arrange(t);
    const bus = await open();
    const gaps = new Set<string>();
    const topics = Array.from({ length: 30 }, (_, i) => `topic:${i}`);
    for (const topic of topics) {
      await bus.subscribe(topic, () => undefined, { onGap: (where) => void gaps.add(where) });
    }
    t.equal(gaps.size, 0);

    await cutLinks();
    await until(() => gaps.size === topics.length, { what: 'a gap on every topic' });
    t.pass();
  });
}

async function refusalContract(t: Test, arrange: Arrange): Promise<void> {
  await t.test('broken topics and oversized payloads are refused', async (t) => {
    const { open } = await arrange(t);
    const bus = await open();
    const tooMuch = new Uint8Array(PAYLOAD_BYTES_MAX + 1);

    for (const topic of ['', 'a b', 'ż', 'x'.repeat(201), 'a\n']) {
      await t.rejects(bus.publish(topic, ''), { code: 'BUS_MESSAGE' });
      await t.rejects(
        bus.subscribe(topic, () => undefined),
        { code: 'BUS_MESSAGE' },
      );
    }
    await t.rejects(bus.publish('big', tooMuch), { code: 'BUS_MESSAGE' });
  });

  await t.test('a closed bus delivers nothing and refuses everything', async (t) => {
    const { open } = await arrange(t);
    const [from, to, witness] = [await open(), await open(), await open()];
    const seen: string[] = [];
    const witnessed: string[] = [];
    const leave = await to.subscribe('late', (payload) => void seen.push(payload.toString()));
    await witness.subscribe('late', (payload) => void witnessed.push(payload.toString()));

    await to.close();
    await to.close();
    await from.publish('late', '1');
    await until(() => witnessed.length === 1, { what: 'the message elsewhere' });
    await leave();

    t.same(seen, []);
    await t.rejects(to.publish('late', '2'), { code: 'BUS_CLOSED' });
    await t.rejects(
      to.subscribe('late', () => undefined),
      { code: 'BUS_CLOSED' },
    );
  });
}
