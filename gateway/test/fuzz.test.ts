// Hostile input: a share of the seeded fuzz at the parser, and frames that only a socket can send.
// Whatever comes, the worker answers with a code or a close, and goes on serving the others.
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { WebSocket } from 'ws';
import { seededRandom, startRedis, until, type TestScope } from '../../cluster/testing/index.js';
import { limits, offerOf, packValue } from '../protocol/index.js';
import { fuzzFrames, hostileFrame } from '../testing/fuzz-frames.js';
import { connectToken, startWorker, watch } from './worker-harness.js';

const server = await startRedis(t);
const worker = await startWorker(t, server.url);

t.test('200,000 hostile frames give commands or coded errors, never an exception', (t) => {
  const report = fuzzFrames(200_000, seededRandom(t).int(0, 2_147_483_646));
  t.comment(JSON.stringify(report));
  t.ok(report.commands > 20_000, 'a good part gets past the first checks');
  t.ok(report.refused > 20_000);
  t.same(Object.keys(report.errors).sort(), ['bad_command', 'unknown_command']);
  t.end();
});

interface Raw {
  readonly socket: Socket;
  readonly bytes: () => Buffer;
  readonly isClosed: () => boolean;
}

/** A WebSocket after its handshake, byte for byte in the hands of the test. */
async function openRaw(scope: TestScope, encoding = 'rt1.json'): Promise<Raw> {
  const socket = connect(worker.port, '127.0.0.1');
  scope.teardown(() => socket.destroy());
  let bytes = Buffer.alloc(0);
  let isClosed = false;
  socket.on('data', (data) => (bytes = Buffer.concat([bytes, data])));
  socket.on('close', () => (isClosed = true));
  socket.on('error', () => undefined);
  socket.write(
    'GET / HTTP/1.1\r\nhost: gw\r\nupgrade: websocket\r\nconnection: upgrade\r\n' +
      `sec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n` +
      `sec-websocket-protocol: ${encoding}\r\n\r\n`,
  );
  await until(() => bytes.includes('\r\n\r\n'), { what: 'handshake' });
  bytes = Buffer.alloc(0);
  return { socket, bytes: () => bytes, isClosed: () => isClosed };
}

interface Head {
  readonly opcode?: number;
  readonly isFinal?: boolean;
  readonly isMasked?: boolean;
}

/** One frame of RFC 6455, section 5.2. */
function frameOf(payload: Buffer, { opcode = 1, isFinal = true, isMasked = true }: Head = {}) {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : 4);
  head[0] = (isFinal ? 0x80 : 0) | opcode;
  head[1] = (isMasked ? 0x80 : 0) | (length < 126 ? length : 126);
  if (length >= 126) head.writeUInt16BE(length, 2);
  if (!isMasked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  const masked = payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([head, mask, masked]);
}

const text = (value: string): Buffer => Buffer.from(value);
const ping = text('[{"c":"ping","i":1}]');

t.test('what breaks RFC 6455 ends that connection', async (t) => {
  const cases: [string, Buffer][] = [
    ['larger than allowed', frameOf(Buffer.alloc(limits.frameBytesMax + 1, 'x'))],
    ['invalid UTF-8', frameOf(Buffer.from([0x5b, 0xc3, 0x28, 0x5d]))],
    // uWebSockets takes the next four bytes for the mask, so that no unmasked frame is understood.
    ['unmasked', Buffer.concat([1, 2].map(() => frameOf(ping, { isMasked: false })))],
    ['a reserved opcode', frameOf(ping, { opcode: 3 })],
    ['a continuation of nothing', frameOf(ping, { opcode: 0 })],
    ['a fragmented ping', frameOf(text('x'), { opcode: 9, isFinal: false })],
    [
      'fragments that grow too large',
      Buffer.concat([
        frameOf(Buffer.alloc(10_000, 'x'), { isFinal: false }),
        frameOf(Buffer.alloc(10_000, 'x'), { opcode: 0 }),
      ]),
    ],
  ];
  for (const [name, bytes] of cases) {
    const raw = await openRaw(t);
    raw.socket.write(bytes);
    await until(raw.isClosed, { what: name });
    t.notMatch(raw.bytes().toString('latin1'), '"r"', name);
  }
});

t.test('fragments of a good frame are one frame, split anywhere', async (t) => {
  const raw = await openRaw(t);
  const bytes = Buffer.concat([
    frameOf(ping.subarray(0, 5), { isFinal: false }),
    frameOf(Buffer.alloc(0), { opcode: 0, isFinal: false }),
    frameOf(ping.subarray(5), { opcode: 0 }),
  ]);
  for (const byte of bytes) raw.socket.write(Buffer.from([byte]));
  await until(() => raw.bytes().includes('not_connected'), { what: 'an answer to the command' });
  t.equal(raw.isClosed(), false);
});

/** Close code after `frames` on a connection of its own, and the codes of errors before. */
async function abuse(encoding: string | string[], frames: readonly (string | Uint8Array)[]) {
  const socket = new WebSocket(worker.url, encoding);
  const heard: string[] = [];
  socket.on('message', (data: Buffer) => heard.push(data.toString('latin1')));
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('open', resolve));
  for (const frame of frames) socket.send(frame);
  return { code: await closed, heard: heard.join('') };
}

t.test('repeated abuse is answered with codes, then closed with 4005', async (t) => {
  const deep = '['.repeat(5_000) + ']'.repeat(5_000);
  const cases: [string, string, string | Uint8Array, string][] = [
    ['no JSON', 'rt1.json', '[{', 'bad_frame'],
    ['nested deeply', 'rt1.json', deep, 'bad_frame'],
    ['too many values', 'rt1.json', JSON.stringify(Array(21).fill({ c: 'ping', i: 1 })), 'bad_f'],
    ['binary in JSON', 'rt1.json', packValue({ c: 'ping', i: 1 }), 'bad_frame'],
    ['wrong types', 'rt1.json', '[{"c":"sub","i":1,"ch":{"a":1}}]', 'bad_command'],
    ['an unknown command', 'rt1.json', '[{"c":"__proto__","i":1}]', 'unknown_command'],
    ['a lying length', 'rt1.msgpack', Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]), 'bad_frame'],
    ['an extension', 'rt1.msgpack', Buffer.from([0xd4, 0x72, 0x00]), 'bad_frame'],
    ['text in MessagePack', 'rt1.msgpack', 'hello', 'bad_frame'],
  ];
  for (const [name, encoding, frame, error] of cases) {
    const { code, heard } = await abuse(encoding, Array<typeof frame>(8).fill(frame));
    t.equal(code, 4005, name);
    t.match(heard, error, name);
  }
});

t.test('hostile frames on many connections leave the others alone', async (t) => {
  const anna = watch(t, [worker.url], 'room:calm', { sub: 'anna' });
  await until(() => anna.events.length > 0, { what: 'in the room' });
  const random = seededRandom(t);
  const attacks = Array.from({ length: 200 }, async (_, n) => {
    const encoding = n % 2 === 0 ? 'rt1.json' : 'rt1.msgpack';
    const connected = { c: 'connect', i: 1, token: connectToken(`bad-${n}`) };
    const first = n % 2 === 0 ? JSON.stringify([connected]) : packValue(connected);
    const rest = Array.from({ length: 60 }, () => hostileFrame(random, encoding));
    // Some connect by a frame, some with the handshake, some send junk with it.
    const offer = offerOf(encoding, n % 3 === 1 ? first : hostileFrame(random, encoding));
    return n % 3 === 0 ? await abuse(encoding, [first, ...rest]) : await abuse(offer, rest);
  });
  const codes = (await Promise.all(attacks)).map(({ code }) => code);
  // On a busy machine the deadline of a connect may be the first to see to it: 4102.
  const expected = [1006, 1009, 4001, 4005, 4102, 4113];
  t.same(
    codes.filter((code) => !expected.includes(code)),
    [],
  );
  await anna.client.publish('room:calm', 'still here');
  await until(() => anna.texts().includes('still here'), { what: 'served' });
  t.same(anna.events, ['ready']);
  await until(() => worker.gateway.connectionCount() === 1, { what: 'no connection is left' });
});
