// PROXY header: both versions, cut anywhere, and what is no header.
import t from 'tap';
import { mayBeProxyHeader, parseProxyHeader, ProxyHeaderError } from '../proxy-header.js';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const V4 = Buffer.from(`${SIGNATURE}2111000cc0000201c6336401d431078f`, 'hex');
const V6 = Buffer.from(
  `${SIGNATURE}21210024${'20010db8000000000000000000000001'.repeat(2)}1f90078f`,
  'hex',
);
const LOCAL = Buffer.from(`${SIGNATURE}20000000`, 'hex');
const TEXT = Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 54321 1935\r\n');

t.test('both versions give the source and the rest, however the bytes are cut', (t) => {
  const cases: readonly [Buffer, { address: string; port: number } | undefined][] = [
    [TEXT, { address: '192.0.2.1', port: 54321 }],
    [Buffer.from('PROXY TCP6 2001:db8::1 ::1 1 2\r\n'), { address: '2001:db8::1', port: 1 }],
    [Buffer.from('PROXY UNKNOWN\r\n'), undefined],
    [V4, { address: '192.0.2.1', port: 0xd431 }],
    [V6, { address: '2001:db8:0:0:0:0:0:1', port: 8080 }],
    [LOCAL, undefined],
  ];
  for (const [header, source] of cases) {
    const read = parseProxyHeader(Buffer.concat([header, Buffer.from([3, 1, 2])]));
    t.same(read?.source, source);
    t.same(read?.rest, Buffer.from([3, 1, 2]));
    for (let length = 0; length < header.length; length++) {
      t.equal(parseProxyHeader(header.subarray(0, length)), undefined);
    }
  }
  t.end();
});

t.test('anything else is refused', (t) => {
  const broken = [
    Buffer.from([3]),
    Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n'),
    Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 99999 1\r\n'),
    Buffer.from('PROXY TCP4 \r\n'),
    Buffer.from(`PROXY ${'x'.repeat(200)}`),
    Buffer.from(`${SIGNATURE}1111000c`, 'hex'),
    Buffer.from(`${SIGNATURE}2111ffff`, 'hex'),
  ];
  for (const bytes of broken) {
    t.throws(() => parseProxyHeader(bytes), ProxyHeaderError, bytes.toString('hex'));
  }
  t.end();
});

t.test('other protocols are told from a header by their first bytes', (t) => {
  for (const start of [V4, V6, LOCAL, TEXT]) {
    for (const length of [0, 1, 5, 12]) t.ok(mayBeProxyHeader(start.subarray(0, length)));
  }
  t.ok(mayBeProxyHeader(Buffer.from('P')), 'not known yet');
  for (const text of ['POST /', 'GET /', '\u0003abc', 'PROXZ']) {
    t.notOk(mayBeProxyHeader(Buffer.from(text)), text);
  }
  t.end();
});
