// The generator's view of a server's frames: counts must be right however TCP cuts the bytes.
import fc from 'fast-check';
import t from 'tap';
import { FrameScanner, MESSAGE_BYTES_MIN } from '../generator/frame-scanner.js';

function serverFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([0x80 | opcode, length]), payload]);
  if (length < 65_536) {
    const head = Buffer.from([0x80 | opcode, 126, 0, 0]);
    head.writeUInt16BE(length, 2);
    return Buffer.concat([head, payload]);
  }
  const head = Buffer.alloc(10);
  head[0] = 0x80 | opcode;
  head[1] = 127;
  head.writeUInt32BE(length, 6);
  return Buffer.concat([head, payload]);
}

function scan(stream: Buffer, cuts: readonly number[], isGathering: boolean) {
  const payloads: Buffer[] = [];
  const controls: number[] = [];
  const scanner = new FrameScanner({
    onFrame: (_opcode, payload) => void payloads.push(payload),
    onControl: (opcode) => void controls.push(opcode),
  });
  scanner.isGathering = isGathering;
  let at = 0;
  for (const cut of [...new Set(cuts)].sort((a, b) => a - b)) {
    const end = Math.min(stream.length, cut);
    scanner.push(stream.subarray(at, end), 0, end - at);
    at = end;
  }
  scanner.push(stream, at, stream.length);
  return { scanner, payloads, controls };
}

t.test('every frame is counted and gathered, wherever the stream is cut', (t) => {
  const sizes = fc.array(fc.oneof(fc.nat(200), fc.constantFrom(125, 126, 65_535, 65_536)), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(sizes, fc.array(fc.nat(200_000), { maxLength: 30 }), (lengths, cuts) => {
      const sent = lengths.map((length, at) => Buffer.alloc(length, at + 1));
      const stream = Buffer.concat(sent.map((payload) => serverFrame(2, payload)));
      const { scanner, payloads } = scan(stream, cuts, true);
      const counted = sent.filter(({ length }) => length >= MESSAGE_BYTES_MIN);
      t.equal(scanner.frames, counted.length);
      t.equal(scanner.bytes, Buffer.concat(counted).length);
      return (
        payloads.length === sent.length && payloads.every((one, at) => one.equals(sent[at] ?? one))
      );
    }),
    { numRuns: 60 },
  );
  t.end();
});

t.test('heartbeats and control frames are not messages', (t) => {
  const message = Buffer.alloc(100);
  const stream = Buffer.concat([
    serverFrame(9, Buffer.from('ping')),
    serverFrame(1, Buffer.from('h')),
    serverFrame(2, message),
    serverFrame(8, Buffer.alloc(0)),
  ]);
  const { scanner, controls, payloads } = scan(stream, [1, 3, 9], false);
  t.equal(scanner.frames, 1);
  t.equal(scanner.bytes, 100);
  t.same(controls, [9, 8]);
  t.same(payloads, [], 'nothing is gathered unless asked for');
  t.end();
});
