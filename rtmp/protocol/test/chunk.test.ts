// Chunk reader and writer: round trips under any split of the bytes, all header forms, and the
// limits.
import fc from 'fast-check';
import t from 'tap';
import { ChunkReader, type ChunkReaderLimits } from '../chunk-reader.js';
import { ChunkWriter, encodeChunks } from '../chunk-writer.js';
import { setChunkSize } from '../control.js';
import type { RtmpMessage } from '../message.js';
import { ProtocolError } from '../protocol-error.js';

const LIMITS: ChunkReaderLimits = {
  messageBytesMax: 1 << 20,
  chunkStreamsMax: 32,
  openBytesMax: 4 << 20,
};

function reader(limits: Partial<ChunkReaderLimits> = {}): ChunkReader {
  return new ChunkReader({ ...LIMITS, ...limits });
}

function drain(from: ChunkReader): RtmpMessage[] {
  const messages: RtmpMessage[] = [];
  for (let one = from.next(); one !== undefined; one = from.next()) messages.push(one);
  return messages;
}

function readAll(bytes: Buffer, limits: Partial<ChunkReaderLimits> = {}): RtmpMessage[] {
  const one = reader(limits);
  one.push(bytes);
  return drain(one);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof ProtocolError ? error.code : `other: ${String(error)}`;
  }
  return 'none';
}

/** A header of any format, for inputs that a writer would not make. */
function header(format: number, csid: number, fields: Partial<Header> = {}): Buffer {
  const { time = 0, length = 0, type = 8, streamId = 1 } = fields;
  const parts = [Buffer.from([(format << 6) | csid])];
  const body = Buffer.alloc([11, 7, 3, 0][format] ?? 0);
  if (format < 3) body.writeUIntBE(Math.min(time, 0xffffff), 0, 3);
  if (format < 2) {
    body.writeUIntBE(length, 3, 3);
    body[6] = type;
  }
  if (format === 0) body.writeUInt32LE(streamId, 7);
  parts.push(body);
  if (time >= 0xffffff) {
    const extended = Buffer.alloc(4);
    extended.writeUInt32BE(time);
    parts.push(extended);
  }
  return Buffer.concat(parts);
}

interface Header {
  time: number;
  length: number;
  type: number;
  streamId: number;
}

const message = fc.record({
  csid: fc.oneof(
    fc.integer({ min: 2, max: 63 }),
    fc.integer({ min: 64, max: 319 }),
    fc.integer({ min: 320, max: 65599 }),
  ),
  type: fc.constantFrom(8, 9, 15, 17, 18, 20, 22),
  timestampMs: fc.oneof(
    fc.integer({ min: 0, max: 0xffffffff }),
    fc.constantFrom(0xfffffe, 0xffffff, 0x1000000, 0xffffffff),
  ),
  streamId: fc.integer({ min: 0, max: 0xffffffff }),
  payload: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
});

t.test('any messages survive any chunk size and any split of the bytes', (t) => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 20 }),
      fc.integer({ min: 1, max: 5000 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 40 }),
      (messages, chunkSize, cuts) => {
        const writer = new ChunkWriter();
        const bytes = Buffer.concat([
          writer.encode(2, setChunkSize(chunkSize)),
          ...messages.map(({ csid, ...one }) => writer.encode(csid, one)),
        ]);
        const from = reader();
        const got: RtmpMessage[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          from.push(bytes.subarray(at, at + size));
          got.push(...drain(from));
          at += size;
        }
        return (
          got.length === messages.length &&
          got.every((one, i) => {
            const sent = messages[i];
            return (
              sent !== undefined &&
              one.type === sent.type &&
              one.timestampMs === sent.timestampMs &&
              one.streamId === sent.streamId &&
              one.payload.equals(sent.payload)
            );
          })
        );
      },
    ),
    { numRuns: 200 },
  );
  t.end();
});

t.test('messages interleaved on several chunk streams come out whole', (t) => {
  const one = Buffer.alloc(300, 1);
  const two = Buffer.alloc(200, 2);
  const bytes = Buffer.concat([
    header(0, 4, { length: 300, time: 10 }),
    one.subarray(0, 128),
    header(0, 6, { length: 200, type: 9, time: 20 }),
    two.subarray(0, 128),
    header(3, 4),
    one.subarray(128, 256),
    header(3, 6),
    two.subarray(128),
    header(3, 4),
    one.subarray(256),
  ]);
  t.match(
    readAll(bytes).map(({ type, timestampMs, payload }) => [type, timestampMs, payload.length]),
    [
      [9, 20, 200],
      [8, 10, 300],
    ],
  );
  t.end();
});

t.test('types 1, 2 and 3 take over what they leave out, and add their delta', (t) => {
  const bytes = Buffer.concat([
    header(0, 4, { time: 1000, length: 1, streamId: 7 }),
    Buffer.from([1]),
    header(1, 4, { time: 20, length: 2, type: 9 }),
    Buffer.from([2, 2]),
    header(2, 4, { time: 30 }),
    Buffer.from([3, 3]),
    header(3, 4),
    Buffer.from([4, 4]),
  ]);
  t.strictSame(
    readAll(bytes).map(({ type, timestampMs, streamId }) => [type, timestampMs, streamId]),
    [
      [8, 1000, 7],
      [9, 1020, 7],
      [9, 1050, 7],
      [9, 1080, 7],
    ],
  );
  t.end();
});

t.test('a type 3 message behind type 0 repeats the timestamp as its delta', (t) => {
  const bytes = Buffer.concat([header(0, 4, { time: 23, length: 0 }), header(3, 4)]);
  t.strictSame(
    readAll(bytes).map((one) => one.timestampMs),
    [23, 46],
  );
  t.end();
});

t.test('timestamps wrap after 49.7 days', (t) => {
  const bytes = Buffer.concat([
    header(0, 4, { time: 0xfffffff0, length: 0 }),
    header(2, 4, { time: 0x20 }),
  ]);
  t.strictSame(
    readAll(bytes).map((one) => one.timestampMs),
    [0xfffffff0, 0x10],
  );
  t.end();
});

t.test('extended timestamps are read with and without their copy in later chunks', (t) => {
  const time = 0x01234567;
  const payload = Buffer.alloc(300, 9);
  const copy = Buffer.alloc(4);
  copy.writeUInt32BE(time);
  const withCopy = [copy, payload.subarray(128, 256), header(3, 4), copy, payload.subarray(256)];
  const without = [payload.subarray(128, 256), header(3, 4), payload.subarray(256)];
  for (const rest of [withCopy, without]) {
    const bytes = Buffer.concat([
      header(0, 4, { time, length: 300 }),
      payload.subarray(0, 128),
      header(3, 4),
      ...rest,
    ]);
    const got = readAll(bytes);
    t.equal(got.length, 1);
    t.equal(got[0]?.timestampMs, time);
    t.ok(got[0]?.payload.equals(payload));
  }
  t.end();
});

t.test('abort throws the unfinished message away and frees its bytes', (t) => {
  const abort = Buffer.concat([
    header(0, 2, { length: 4, type: 2, streamId: 0 }),
    Buffer.from([0, 0, 0, 4]),
  ]);
  const begun = Buffer.concat([header(0, 4, { length: 60_000 }), Buffer.alloc(128)]);
  const bytes = Buffer.concat([
    ...Array.from({ length: 30 }, () => Buffer.concat([begun, abort])),
    header(0, 4, { length: 1, time: 5 }),
    Buffer.from([1]),
  ]);
  const got = readAll(bytes, { openBytesMax: 70_000 });
  t.strictSame(
    got.map((one) => one.timestampMs),
    [5],
  );
  t.end();
});

t.test('chunk size 0 or beyond 24 bits is refused, also a truncated one', (t) => {
  const sized = (size: number) =>
    Buffer.concat([
      header(0, 2, { length: 4, type: 1, streamId: 0 }),
      Buffer.from([size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255]),
    ]);
  t.equal(
    codeOf(() => readAll(sized(0))),
    'CHUNK_SIZE_INVALID',
  );
  t.equal(
    codeOf(() => readAll(sized(0x80000000))),
    'CHUNK_SIZE_INVALID',
  );
  t.equal(
    codeOf(() => readAll(header(0, 2, { type: 1, length: 0 }))),
    'CHUNK_SIZE_INVALID',
  );
  t.equal(
    codeOf(() => readAll(sized(1))),
    'none',
  );
  t.end();
});

t.test('limits: message length, open bytes, chunk streams', (t) => {
  t.equal(
    codeOf(() => readAll(header(0, 4, { length: 0xffffff }))),
    'MESSAGE_TOO_LONG',
  );
  const open = [4, 5, 6, 7].map((csid) =>
    Buffer.concat([header(0, csid, { length: 1 << 20 }), Buffer.alloc(128)]),
  );
  t.equal(
    codeOf(() => readAll(Buffer.concat(open), { openBytesMax: 3 << 20 })),
    'MESSAGE_TOO_LONG',
  );
  const many = Array.from({ length: 40 }, (_, i) => header(0, 3 + i, { length: 0 }));
  t.equal(
    codeOf(() => readAll(Buffer.concat(many))),
    'CHUNK_STREAMS_MAX',
  );
  t.end();
});

t.test(
  'a chunk stream that begins without a header, or restarts inside a message, is refused',
  (t) => {
    t.equal(
      codeOf(() => readAll(header(3, 4))),
      'CHUNK_NO_HEADER',
    );
    t.equal(
      codeOf(() => readAll(header(1, 4, { length: 3 }))),
      'CHUNK_NO_HEADER',
    );
    const inside = Buffer.concat([
      header(0, 4, { length: 300 }),
      Buffer.alloc(128),
      header(1, 4, { length: 5 }),
    ]);
    t.equal(
      codeOf(() => readAll(inside)),
      'CHUNK_HEADER_INSIDE_MESSAGE',
    );
    t.end();
  },
);

t.test('what is not asked for stays unparsed', (t) => {
  const from = reader();
  const bytes = encodeChunks(
    4,
    { type: 8, timestampMs: 0, streamId: 1, payload: Buffer.alloc(9) },
    128,
  );
  from.push(Buffer.concat([bytes, bytes]));
  t.ok(from.next());
  t.equal(from.bufferedBytes, bytes.length);
  from.push(bytes);
  t.equal(drain(from).length, 2);
  t.equal(from.bufferedBytes, 0);
  t.end();
});
