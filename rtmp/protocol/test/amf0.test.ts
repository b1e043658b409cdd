// AMF0: exact round trips, and hostile bytes that end in a ProtocolError and nothing else.
import fc from 'fast-check';
import t from 'tap';
import { decodeAmf0, EcmaArray, encodeAmf0, membersOf, type AmfValue } from '../amf0.js';
import { ProtocolError } from '../protocol-error.js';

const key = fc.string({ minLength: 1, maxLength: 12 });
const value = fc.letrec<{ value: AmfValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.string({ maxLength: 40, unit: 'binary' }),
    fc.constant(null),
    fc.constant(undefined),
    fc.date({ noInvalidDate: true }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: false }),
    fc
      .dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: false })
      .map((entries) => new EcmaArray(entries)),
  ),
})).value;

function codeOf(bytes: Buffer): string {
  try {
    decodeAmf0(bytes);
  } catch (error) {
    return error instanceof ProtocolError ? error.code : `other: ${String(error)}`;
  }
  return 'none';
}

t.test('every value comes back as it was', (t) => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 4 }), (values) => {
      const bytes = encodeAmf0(...values);
      const back = decodeAmf0(bytes);
      return back.length === values.length && encodeAmf0(...back).equals(bytes);
    }),
    { numRuns: 300 },
  );
  t.end();
});

t.test('a cut at any place is malformed, never more', (t) => {
  const bytes = encodeAmf0(
    'onMetaData',
    new EcmaArray({ width: 1280, encoder: 'x', list: [1, 2] }),
  );
  for (let length = 0; length < bytes.length; length++) {
    const code = codeOf(bytes.subarray(0, length));
    t.ok(code === 'AMF_MALFORMED' || code === 'none', `${length}: ${code}`);
  }
  t.end();
});

t.test('objects have no prototype, so a member named __proto__ is only a member', (t) => {
  const bytes = Buffer.concat([
    Buffer.from([3, 0, 9]),
    Buffer.from('__proto__'),
    encodeAmf0({ polluted: true }),
    Buffer.from([0, 0, 9]),
  ]);
  const members = membersOf(decodeAmf0(bytes)[0]);
  t.equal(Object.getPrototypeOf(members), null);
  t.ok(members && Object.keys(members).includes('__proto__'));
  t.equal(({} as Record<string, unknown>)['polluted'], undefined);
  t.end();
});

t.test('depth, members, elements and values are bounded', (t) => {
  const nested = (depth: number) =>
    Buffer.concat(Array.from({ length: depth }, () => Buffer.from([10, 0, 0, 0, 1])));
  t.equal(codeOf(nested(3_000)), 'AMF_LIMIT');
  t.equal(codeOf(nested(20_000)), 'AMF_LIMIT');
  t.equal(codeOf(Buffer.from([10, 255, 255, 255, 255])), 'AMF_LIMIT');
  const member = Buffer.from([0, 1, 97, 5]);
  t.equal(
    codeOf(Buffer.concat([Buffer.from([3]), ...Array<Buffer>(400).fill(member)])),
    'AMF_LIMIT',
  );
  t.equal(codeOf(Buffer.alloc(5_000, 5)), 'AMF_LIMIT');
  t.end();
});

t.test('unknown types and AMF3 values are refused', (t) => {
  t.equal(codeOf(Buffer.from([0x11, 1])), 'AMF_TYPE');
  t.equal(codeOf(Buffer.from([0x7f])), 'AMF_TYPE');
  t.equal(codeOf(Buffer.from([7, 0, 0])), 'AMF_TYPE');
  t.end();
});
