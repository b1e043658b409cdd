// The RESP2 parser: whatever way the bytes are cut, the same values come out, and junk is an error.
import fc from 'fast-check';
import t from 'tap';
import { encodeCommand, RespError, RespParser, type RespValue } from '../pubsub/resp-parser.js';
import { seededRandom } from '../testing/index.js';

const { seed } = seededRandom(t);

function parse(chunks: readonly Buffer[]): RespValue[] {
  const values: RespValue[] = [];
  const parser = new RespParser((value) => values.push(value));
  for (const chunk of chunks) parser.push(chunk);
  return values;
}

function encode(value: RespValue): Buffer {
  if (value === null) return Buffer.from('$-1\r\n');
  if (typeof value === 'number') return Buffer.from(`:${value}\r\n`);
  if (typeof value === 'string') return Buffer.from(`+${value}\r\n`);
  if (value instanceof RespError) return Buffer.from(`-${value.message}\r\n`);
  if (Buffer.isBuffer(value)) {
    return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')]);
  }
  return Buffer.concat([Buffer.from(`*${value.length}\r\n`), ...value.map(encode)]);
}

const line = fc.stringMatching(/^[ -~]{0,20}$/);
const { reply } = fc.letrec<{ reply: RespValue }>((tie) => ({
  reply: fc.oneof(
    { depthSize: 'small' },
    line,
    fc.integer(),
    fc.constant(null),
    line.map((text) => new RespError(text)),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('reply'), { maxLength: 4 }),
  ),
}));

await t.test('any replies, cut anywhere, come out as they went in', (t) => {
  fc.assert(
    fc.property(
      fc.array(reply, { maxLength: 6 }),
      fc.array(fc.nat({ max: 300 }), { maxLength: 12 }),
      (replies, cuts) => {
        const bytes = Buffer.concat(replies.map(encode));
        const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
        edges.sort((a, b) => a - b);
        const chunks = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
        t.same(parse(chunks), replies);
      },
    ),
    { seed, numRuns: 300 },
  );
  t.end();
});

await t.test('a large reply in many small chunks is not read anew for each', (t) => {
  const payload = Buffer.alloc(4 * 1024 * 1024, 7);
  const bytes = encode([Buffer.from('smessage'), payload]);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 16_384) chunks.push(bytes.subarray(at, at + 16_384));
  const [value] = parse(chunks);

  t.ok(Array.isArray(value) && Buffer.isBuffer(value[1]) && value[1].equals(payload));
  t.end();
});

await t.test('a value does not keep the network buffer that it came in', (t) => {
  const chunk = Buffer.concat([encode(Buffer.from('small')), Buffer.alloc(60_000)]);
  const values: RespValue[] = [];
  const parser = new RespParser((value) => values.push(value));
  t.throws(() => parser.push(chunk), RangeError);
  const [value] = values;

  t.ok(Buffer.isBuffer(value) && value.buffer !== chunk.buffer);
  t.end();
});

await t.test('junk is an error, not a wait and not a crash', (t) => {
  const junk = [
    'HTTP/1.1 400 Bad Request\r\n',
    '$9999999999\r\n',
    '*99999999\r\n',
    ':abc\r\n',
    ':\r\n',
    ':-\r\n',
    ':1-\r\n',
    ': 1\r\n',
    ':9007199254740993\r\n',
    ':00000000000000001\r\n',
    '$1e3\r\n',
    '*1\r\n'.repeat(20),
    '>2\r\n',
    'x',
    `+${'x'.repeat(70_000)}`,
  ];
  for (const text of junk) t.throws(() => parse([Buffer.from(text)]), RangeError, text);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        parse([Buffer.from(bytes)]);
      } catch (thrown) {
        return thrown instanceof RangeError;
      }
      return true;
    }),
    { seed, numRuns: 1_000 },
  );
  t.end();
});

await t.test('a command is an array of bulk strings, counted in bytes', (t) => {
  t.equal(encodeCommand(['SSUBSCRIBE', 'ż']), '*2\r\n$10\r\nSSUBSCRIBE\r\n$2\r\nż\r\n');
  t.end();
});
