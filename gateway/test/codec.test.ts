// The wire format: golden bytes from the documentation, both codecs alike, hostile frames.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { seededRandom } from '../../cluster/testing/index.js';
import {
  clientFrameLimits,
  closeCodes,
  codecOf,
  errorCodes,
  jsonCodec,
  limits,
  messageKinds,
  msgpackCodec,
  parseCommand,
  parseServerMessage,
  offerOf,
  readOffer,
  subprotocols,
  unpackValues,
  packValue,
} from '../protocol/index.js';

const document = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
  // Tables may be padded.
  .replaceAll(/ {2,}/g, ' ');
/** Rows `| what | `json` | `hex` |` of the table of golden bytes. */
const golden = [...document.matchAll(/^\| ([^|]+) \| `([[{].*[\]}])` \| `([0-9a-f ]+)` \|$/gm)].map(
  ([, what = '', json = '', hex = '']) => ({ what, json, hex: hex.replaceAll(' ', '') }),
);

t.test('the golden bytes of the documentation are what the codecs write and read', (t) => {
  t.ok(golden.length >= 10, 'the documentation shows golden bytes');
  for (const { what, json, hex } of golden) {
    const value: unknown = JSON.parse(json);
    t.equal(Buffer.from(packValue(value)).toString('hex'), hex, `${what}: written`);
    t.same(unpackValues(Buffer.from(hex, 'hex')), [value], `${what}: read`);
    const isCommand = typeof value === 'object' && value !== null && 'c' in value;
    if (isCommand) t.equal(parseCommand(value).ok, true, `${what}: a valid command`);
    else t.ok(parseServerMessage(value), `${what}: a valid server message`);
  }
  t.end();
});

t.test('a batch survives both encodings', (t) => {
  for (const name of subprotocols) {
    const codec = codecOf(name);
    const batch = [
      { c: 'ping', i: 1 } as const,
      { c: 'pub', i: 2, ch: 'room:1', mid: 'a', kind: 'm', body: { text: 'grüße 🎉' } } as const,
      [1, 7, 1_700_000_000_123, 'm', { text: 'x', n: 2 ** 40, f: 0.5, no: null }, 'a'] as const,
    ];
    t.same(codec.decode(codec.encode(batch)), { ok: true, items: batch }, name);
    t.same(codec.decode(codec.encode([])), { ok: true, items: [] }, `${name} empty`);
  }
  t.end();
});

t.test('a frame of the wrong kind, too many values or too deep is refused', (t) => {
  t.equal(msgpackCodec.decode('[]').ok, false);
  t.equal(jsonCodec.decode(new Uint8Array([0x90])).ok, false);
  t.equal(jsonCodec.decode('{}').ok, false);
  t.equal(jsonCodec.decode('[').ok, false);
  const many = Array.from(
    { length: limits.commandsPerFrameMax + 1 },
    (_, i) => ({ c: 'ping', i }) as const,
  );
  for (const codec of [jsonCodec, msgpackCodec]) {
    t.equal(codec.decode(codec.encode(many), clientFrameLimits).ok, false, `${codec.name} many`);
    t.equal(codec.decode(codec.encode(many.slice(1)), clientFrameLimits).ok, true);
    const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);
    for (const [depth, isFine] of [
      [8, true],
      [9, false],
      [1_000, false],
    ] as const) {
      const frame =
        codec === jsonCodec
          ? JSON.stringify([nest(depth)])
          : new Uint8Array(packValue(nest(depth)));
      t.equal(codec.decode(frame, clientFrameLimits).ok, isFine, `${codec.name} depth ${depth}`);
    }
  }
  t.end();
});

t.test('hostile MessagePack: truncated, huge lengths, extensions, non-string keys', (t) => {
  const frames = ['dd7fffffff', 'db7fffffff61', 'c1', 'd40000', 'c70100aa', 'd6ff00000000', '8101a161',
    '81a161', 'a5616263', '92c0', 'cb00', 'd472', '82a16101', '91'.repeat(16_000)]; // prettier-ignore
  for (const hex of frames) {
    const decoded = msgpackCodec.decode(Buffer.from(hex, 'hex'), clientFrameLimits);
    t.equal(decoded.ok, false, hex.slice(0, 20));
  }
  const proto = msgpackCodec.decode(
    Buffer.from('81a95f5f70726f746f5f5f81a16101', 'hex'),
    clientFrameLimits,
  );
  t.equal(proto.ok, true);
  t.equal(({} as { a?: number }).a, undefined, 'prototypes stay clean');
  t.end();
});

t.test('decode and parse never throw, whatever comes', (t) => {
  const { seed } = seededRandom(t);
  const valid = msgpackCodec.encode([
    { c: 'connect', i: 1, token: 'abc', subs: [{ ch: 'room:1', pos: ['e', 4] }] },
    { c: 'pub', i: 2, ch: 'room:1', mid: 'm', kind: 'm', body: { text: 'hello' } },
  ]) as Uint8Array;
  const digest = (decoded: ReturnType<typeof msgpackCodec.decode>): void => {
    if (!decoded.ok) return;
    for (const item of decoded.items) {
      parseCommand(item);
      parseServerMessage(item);
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      digest(msgpackCodec.decode(bytes, clientFrameLimits));
    }),
    { seed, numRuns: 20_000 },
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 6 }),
      (flips) => {
        const frame = valid.slice();
        for (const [at, byte] of flips) frame[at] = byte;
        digest(msgpackCodec.decode(frame, clientFrameLimits));
      },
    ),
    { seed, numRuns: 20_000 },
  );
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 12 }), (value) => {
      digest(jsonCodec.decode(JSON.stringify([value]), clientFrameLimits));
      digest(msgpackCodec.decode(packValue(value), clientFrameLimits));
    }),
    { seed, numRuns: 5_000 },
  );
  t.end();
});

t.test('commands: wrong fields are a coded error with the id, unknown fields are dropped', (t) => {
  const code = (value: unknown): string => {
    const parsed = parseCommand(value);
    return parsed.ok ? 'ok' : parsed.error[0];
  };
  t.equal(code({ c: 'ping', i: 1, extra: true }), 'ok');
  t.equal(code({ c: 'nonsense', i: 1 }), 'unknown_command');
  t.equal(code({ c: 'toString', i: 1 }), 'unknown_command');
  t.equal(code({ c: '__proto__', i: 1 }), 'unknown_command');
  for (const value of [
    null,
    1,
    'x',
    [],
    {},
    { c: 'ping' },
    { c: 'ping', i: -1 },
    { c: 'ping', i: 1.5 },
    { c: 'connect', i: 1 },
    { c: 'connect', i: 1, token: 'x'.repeat(5_000) },
    { c: 'connect', i: 1, token: 'x', subs: {} },
    { c: 'connect', i: 1, token: 'x', subs: [1] },
    { c: 'sub', i: 1, ch: 'Room:1' },
    { c: 'sub', i: 1, ch: 'room:1', pos: ['e'] },
    { c: 'pub', i: 1, ch: 'room:1', mid: '', kind: 'm', body: { text: 'x' } },
    { c: 'pub', i: 1, ch: 'room:1', mid: 'a', kind: 't', body: { text: 'x' } },
    { c: 'pub', i: 1, ch: 'room:1', mid: 'a', kind: 'm', body: { text: 1 } },
    { c: 'hist', i: 1, ch: 'room:1', limit: 101 },
    { c: 'mod', i: 1, ch: 'room:1', mid: 'a', action: 'ban' },
  ]) {
    // prettier-ignore
    t.equal(code(value), 'bad_command', JSON.stringify(value).slice(0, 60));
  }
  const refused = parseCommand({ c: 'sub', i: 77 });
  t.equal(refused.ok ? 0 : refused.i, 77);
  const parsed = parseCommand({ c: 'unsub', i: 3, ch: 'lobby', evil: 1 });
  t.same(parsed, { ok: true, command: { c: 'unsub', i: 3, ch: 'lobby' } });
  t.end();
});

t.test('the documentation lists every error code, close code and kind with its advice', (t) => {
  const rows = (pattern: RegExp): string[] =>
    [...document.matchAll(pattern)].map((row) => row.slice(1).join(' '));
  t.same(
    rows(/^\| `(\w+)` \| (yes|no) \| (.+) \|$/gm),
    Object.entries(errorCodes).map(
      ([code, { retry, message }]) => `${code} ${retry ? 'yes' : 'no'} ${message}`,
    ),
  );
  t.same(
    rows(/^\| (\d{4}) \| `(\w+)` \| (.+) \|$/gm),
    Object.entries(closeCodes).map(([reason, { code, message }]) => `${code} ${reason} ${message}`),
  );
  t.same(rows(/^\| `(\w)` \| [^|]+ \| (?:`|.).*\|$/gm), [...messageKinds]);
  t.end();
});

t.test('the sub-protocol is chosen by our preference among what the client offers', (t) => {
  t.same(readOffer('rt1.json, rt1.msgpack'), { protocol: 'rt1.msgpack', first: undefined });
  t.same(readOffer('rt1.json'), { protocol: 'rt1.json', first: undefined });
  t.equal(readOffer('graphql-ws'), undefined);
  t.equal(readOffer('first.AAAA'), undefined);
  t.equal(readOffer(''), undefined);
  t.end();
});

t.test('a first frame travels as a sub-protocol, when a header has room for it', (t) => {
  const ping = [{ c: 'ping', i: 1 }] as const;
  for (const [name, shown] of [
    ['rt1.json', 'first.W3siYyI6InBpbmciLCJpIjoxfV0'],
    ['rt1.msgpack', 'first.gqFjpHBpbmehaQE'],
  ] as const) {
    const offer = offerOf(name, codecOf(name).encode(ping));
    t.same(offer, [name, shown]);
    t.ok(document.includes(offer.join(', ')), `${name} is in the documentation`);
    for (const line of [offer.join(', '), offer.join(','), [...offer].reverse().join(', ')]) {
      t.same(readOffer(line), { protocol: name, first: shown.slice('first.'.length) });
    }
  }
  const bytes = Uint8Array.from({ length: limits.firstFrameBytesMax }, (_, at) => at);
  const [, largest = ''] = offerOf('rt1.msgpack', bytes);
  t.match(largest, /^[A-Za-z0-9._-]+$/, 'a token of RFC 7230');
  t.same(Buffer.from(largest.slice('first.'.length), 'base64url'), Buffer.from(bytes));
  t.same(offerOf('rt1.msgpack', new Uint8Array(limits.firstFrameBytesMax + 1)), ['rt1.msgpack']);
  const accents = JSON.stringify([{ text: 'é'.repeat(10) }]);
  const [, text = ''] = offerOf('rt1.json', accents);
  t.equal(Buffer.from(text.slice('first.'.length), 'base64url').toString(), accents);
  t.end();
});
