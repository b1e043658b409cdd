// Seeded garbage through everything that reads from a peer: only a ProtocolError may come out, and
// the reader may never hold more than its limits allow.
import t from 'tap';
import { fuzzRounds } from '../../../cluster/config.js';
import { seededRandom, type SeededRandom } from '../../../cluster/testing/index.js';
import { EcmaArray, encodeAmf0 } from '../amf0.js';
import { parseAacConfig } from '../aac.js';
import { parseAvcConfig } from '../avc.js';
import { ChunkReader } from '../chunk-reader.js';
import { ChunkWriter } from '../chunk-writer.js';
import { command, parseCommand, parseData } from '../commands.js';
import { parseControl, setChunkSize, windowAckSize } from '../control.js';
import { codecName, FLV_AUDIO, FLV_VIDEO, FlvTag } from '../flv.js';
import { ServerHandshake } from '../handshake.js';
import { MSG_DATA_AMF0, type RtmpMessage } from '../message.js';
import { ProtocolError } from '../protocol-error.js';

const ROUNDS = fuzzRounds(3_000);

function session(): Buffer {
  const writer = new ChunkWriter();
  const media = (type: number, hex: string): RtmpMessage => ({
    type,
    timestampMs: 40,
    streamId: 1,
    payload: Buffer.from(hex, 'hex'),
  });
  const meta = encodeAmf0(
    '@setDataFrame',
    'onMetaData',
    new EcmaArray({ width: 1, list: [1, 'a'] }),
  );
  return Buffer.concat([
    writer.encode(2, windowAckSize(5_000_000)),
    writer.encode(3, command('connect', 1, { object: { app: 'publish', tcUrl: 'rtmp://h/p' } })),
    writer.encode(2, setChunkSize(256)),
    writer.encode(3, command('createStream', 2)),
    writer.encode(3, command('publish', 3, { streamId: 1, args: ['key', 'live'] })),
    writer.encode(5, { type: MSG_DATA_AMF0, timestampMs: 0, streamId: 1, payload: meta }),
    writer.encode(6, media(9, '1700000000014d401effe10018674d401eeca06c1ef37808800000030080')),
    writer.encode(4, media(8, 'af00119056e500')),
    writer.encode(6, media(9, '17010000' + 'ab'.repeat(600))),
  ]);
}

function mutate(bytes: Buffer, random: SeededRandom): Buffer {
  const out = Buffer.from(bytes);
  const place = () => random.int(0, out.length - 1);
  for (let edits = random.int(1, 8); edits > 0; edits--) {
    const at = place();
    const how = random.next();
    if (how < 0.5) out[at] = random.int(0, 255);
    else if (how < 0.75) {
      out.fill(random.pick([0, 0xff]), at, Math.min(out.length, at + random.int(0, 9)));
    } else out.copyWithin(at, place());
  }
  return random.chance(0.3) ? out.subarray(0, place()) : out;
}

function noise(length: number, random: SeededRandom): Buffer {
  return Buffer.from(Array.from({ length }, () => random.int(0, 255)));
}

function consume(message: RtmpMessage): void {
  const { type, timestampMs, payload } = message;
  if (type === 17 || type === 20) parseCommand(message);
  else if (type === 15 || type === 18) parseData(message);
  else if (type < 7) parseControl(message);
  else if (type === FLV_AUDIO || type === FLV_VIDEO) {
    const tag = new FlvTag(type, timestampMs, payload);
    codecName(tag);
    parseAvcConfig(tag);
    parseAacConfig(tag);
  }
}

/** Feeds bytes in random pieces; returns the most bytes ever held unparsed. */
function feed(bytes: Buffer, random: SeededRandom): number {
  const reader = new ChunkReader({
    messageBytesMax: 65_536,
    chunkStreamsMax: 32,
    openBytesMax: 262_144,
  });
  let held = 0;
  for (let at = 0; at < bytes.length;) {
    const size = random.int(1, 300);
    reader.push(bytes.subarray(at, at + size));
    at += size;
    for (let one = reader.next(); one !== undefined; one = reader.next()) {
      try {
        consume(one);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }
    held = Math.max(held, reader.bufferedBytes);
  }
  return held;
}

t.test('mutated sessions and pure noise end in a ProtocolError at worst', (t) => {
  const random = seededRandom(t);
  const base = session();
  let refused = 0;
  let held = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = round % 4 === 0 ? noise(600, random) : mutate(base, random);
    try {
      held = Math.max(held, feed(bytes, random));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      refused++;
    }
  }
  t.ok(refused > ROUNDS / 10, `${refused} inputs were refused`);
  t.ok(held <= 18, `only partial headers are held, at most ${held} bytes`);
  t.end();
});

t.test('noise in the handshake ends in a refusal, or it is taken as a plain one', (t) => {
  const random = seededRandom(t);
  for (let round = 0; round < ROUNDS / 10; round++) {
    const bytes = noise(3_100, random);
    if (random.chance(0.8)) bytes[0] = 3;
    const handshake = new ServerHandshake();
    const isOurs = bytes[0] === 3;
    try {
      handshake.push(bytes.subarray(0, 1_000));
      handshake.push(bytes.subarray(1_000));
      if (!isOurs || !handshake.isDone) t.fail(`version ${bytes[0] ?? 0} was taken`);
    } catch (error) {
      if (!(error instanceof ProtocolError) || isOurs) throw error;
    }
  }
  t.pass(`${ROUNDS / 10} handshakes`);
  t.end();
});
