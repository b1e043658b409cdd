// The reply to `connect`, written by hand, is what the library would have written.
import t from 'tap';
import { seededRandom, type SeededRandom } from '../../cluster/testing/index.js';
import { packConnectReply } from '../connect-reply.js';
import { packValue, type ConnectResult, type SubscribeOutcome } from '../protocol/index.js';

const LETTERS = ['a', 'z', '7', ':', '-', 'é', 'ß', '€', '😀'];

function text(random: SeededRandom, max: number): string {
  const letters = random.chance(0.7) ? LETTERS.slice(0, 5) : LETTERS;
  return Array.from({ length: random.int(0, max) }, () => random.pick(letters)).join('');
}

function count(random: SeededRandom): number {
  const [max] = [random.pick([1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32, 2 ** 45])];
  return random.chance(0.3) ? max : random.int(0, max);
}

function outcome(random: SeededRandom): SubscribeOutcome {
  const ch = `room:${text(random, 60)}`;
  if (random.chance(0.2))
    return { ch, e: random.chance(0.5) ? ['banned', 'x'] : ['slow_mode', 'x', 9] };
  return {
    ...{ ch, a: count(random), epoch: text(random, 40), from: count(random), top: count(random) },
    level: random.pick(['ghost', 'view', 'participant', 'moderator'] as const),
    recovered: random.chance(0.5),
    ...(random.chance(0.2) ? { chat: false } : {}),
    ...(random.chance(0.5) ? { resume: text(random, 400) } : {}),
  };
}

function result(random: SeededRandom): ConnectResult {
  const role = random.pick(['anon', 'viewer', 'model', 'admin'] as const);
  const user = { id: text(random, 40), name: text(random, 80), role };
  const subs = Array.from({ length: random.int(0, random.pick([2, 15, 64])) }, () =>
    outcome(random),
  );
  const session = text(random, 12);
  return { node: text(random, 20), session, user, now: Date.now(), exp: count(random), subs };
}

t.test('2,000 replies are those of msgpackr, byte for byte', (t) => {
  const random = seededRandom(t);
  for (let n = 0; n < 2_000; n += 1) {
    const r = result(random);
    const i = count(random);
    const expected = Buffer.from(packValue({ i, r }));
    const given = Buffer.from(packConnectReply(i, r));
    if (!given.equals(expected)) t.same(given, expected, JSON.stringify(r));
  }
  t.end();
});

t.test('a reply that the buffer cannot hold is left to the library', (t) => {
  const user = { id: '1', name: 'é'.repeat(6_000), role: 'viewer' } as const;
  const r = { node: 'n', session: 's', user, now: 1, exp: 2, subs: [] };
  t.same(Buffer.from(packConnectReply(1, r)), Buffer.from(packValue({ i: 1, r })));
  t.end();
});
