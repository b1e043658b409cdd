// `connect`, read by hand, is what the codec and parseCommand make of the same frame; what is
// unusual about a frame is theirs.
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { seededRandom, type SeededRandom } from '../../cluster/testing/index.js';
import { readConnect } from '../connect-request.js';
import {
  clientFrameLimits,
  limits,
  msgpackCodec,
  offerOf,
  packValue,
  parseCommand,
  type ConnectCommand,
} from '../protocol/index.js';

const CHANNELS = ['room:7', 'lobby', 'user:5000123', `room:${'x'.repeat(60)}`, 'room', 'Room:7'];
const COUNTS = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];

function text(random: SeededRandom, max: number): string {
  const length = random.int(0, random.pick([3, 31, 40, 300, max]));
  return random.pick(['a', '7', '-', 'é', '']).repeat(length).slice(0, max);
}

/** The fields of an object in some order: a map has none. */
function shuffled<T extends object>(random: SeededRandom, fields: T): T {
  const entries = Object.entries(fields).map((entry) => ({ entry, key: random.int(0, 1e6) }));
  entries.sort((a, b) => a.key - b.key);
  return Object.fromEntries(entries.map(({ entry }) => entry)) as T;
}

function command(random: SeededRandom): object {
  const subs = Array.from({ length: random.int(0, random.pick([2, 2, 15, 20])) }, () =>
    shuffled(random, {
      ch: random.pick(CHANNELS.slice(0, random.chance(0.9) ? 4 : 6)),
      ...(random.chance(0.7) ? { ticket: 'a'.repeat(random.pick([1, 200, 250, 300])) } : {}),
      ...(random.chance(0.5) ? { pos: [text(random, 12), random.pick(COUNTS)] } : {}),
      ...(random.chance(0.02) ? { ticket: null } : {}),
      ...(random.chance(0.02) ? { more: 1 } : {}),
    }),
  );
  const name = random.chance(0.97) ? 'connect' : random.pick(['ping', 'Connect', 'connec', '']);
  const token = random.chance(0.8) ? 'a.b_c-9'.repeat(random.int(1, 50)) : text(random, 2_100);
  return shuffled(random, {
    ...{ c: name, i: random.pick(COUNTS), token },
    ...(random.chance(0.95) ? { subs } : {}),
    ...(random.chance(0.02) ? { subs: null } : {}),
    ...(random.chance(0.02) ? { hint: 'x' } : {}),
  });
}

/** Now and then something is cut off, added or changed. */
function bent(random: SeededRandom, frame: Uint8Array): Uint8Array {
  if (random.chance(0.5)) return frame;
  const copy = Buffer.from(frame);
  const at = random.int(0, copy.length - 1);
  const kind = random.int(0, 3);
  if (kind === 0) return copy.subarray(0, at);
  if (kind === 1) return Buffer.concat([copy, copy.subarray(at)]);
  copy[at] = kind === 2 ? random.int(0, 255) : (copy[at] ?? 0) ^ (1 << random.int(0, 7));
  return copy;
}

/** As the worker reads any other frame; undefined = that is an error, or not one connect. */
function readAsOthers(frame: Uint8Array): ConnectCommand | undefined {
  const decoded = msgpackCodec.decode(frame, clientFrameLimits);
  const [item, more] = decoded.ok ? decoded.items : [];
  const parsed = parseCommand(item);
  return more === undefined && parsed.ok && parsed.command.c === 'connect'
    ? parsed.command
    : undefined;
}

t.test('40,000 frames, half of them bent, are read the same in both ways or left', (t) => {
  const random = seededRandom(t);
  let read = 0;
  for (let n = 0; n < 40_000; n += 1) {
    const frame = bent(random, packValue(command(random)));
    const given = readConnect(frame);
    if (given === undefined) continue;
    read += 1;
    const expected = readAsOthers(frame);
    if (isDeepStrictEqual(given, expected)) continue;
    t.same(given, expected, Buffer.from(frame).toString('hex'));
    break;
  }
  t.ok(read > 4_000, `${read} were read by hand`);
  t.end();
});

t.test('what our clients send is read by hand, wherever it stands in memory', (t) => {
  const token = 'e.y_J-9'.repeat(36);
  const subs = [
    { ch: 'room:7', ticket: token, pos: ['0a1b2c3d', 123_456] as const },
    { ch: 'user:1001' },
  ];
  for (const sent of [
    { c: 'connect', token, subs, i: 1 },
    { c: 'connect', i: 70_000, token, subs },
    { c: 'connect', i: 1, token, subs: [] },
    { c: 'connect', i: 1, token },
  ] as const) {
    const frame = msgpackCodec.encode([sent]);
    const [, first = ''] = offerOf('rt1.msgpack', frame);
    const buffer = Buffer.alloc(limits.frameBytesMax, 0xff);
    const length = buffer.write(first.slice('first.'.length), 9, 'base64url');
    t.match(readConnect(buffer.subarray(9, 9 + length)), { subs: [], ...sent });
  }
  t.end();
});

t.test('the largest that is allowed is read, one more of anything is left', (t) => {
  const connect = (token: string, channels: number, ticket: string): Uint8Array => {
    const subs = Array.from({ length: channels }, () => ({ ch: 'room:7', ticket }));
    return packValue({ c: 'connect', i: 1, token, subs });
  };
  const [longest, long] = ['x'.repeat(limits.tokenLengthMax), 'x'.repeat(250)];
  t.ok(readConnect(connect(longest, 15, longest)));
  for (const frame of [
    connect(`${longest}x`, 1, long),
    connect(long, 1, `${longest}x`),
    connect(long, 16, long),
    connect('', 1, long),
    connect(long, 1, ''),
    connect('é', 1, long),
    packValue([]),
    packValue({}),
    packValue({ c: 'connect', i: 1 }),
    packValue({ i: 1, token: long }),
    packValue({ c: 'connect', token: long }),
    packValue({ c: 'ping', i: 1 }),
    Buffer.concat([connect(long, 1, long), packValue({ c: 'ping', i: 2 })]),
    new Uint8Array(0),
  ]) {
    t.equal(readConnect(frame), undefined, Buffer.from(frame.subarray(0, 24)).toString('hex'));
  }
  t.end();
});
