// The hostile inputs that kill or confuse other RTMP servers, and seeded noise: the process lives,
// the peer is closed with the right reason, and a publisher beside them loses nothing.
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { fuzzRounds } from '../../cluster/config.js';
import { seededRandom, until } from '../../cluster/testing/index.js';
import { encodeAmf0 } from '../protocol/amf0.js';
import { CHUNK_SIZE_DEFAULT, encodeChunks } from '../protocol/chunk-writer.js';
import { command } from '../protocol/commands.js';
import { ClientHandshake } from '../protocol/handshake.js';
import type { RtmpMessage } from '../protocol/message.js';
import type { RtmpSession } from '../session.js';
import { type Ingest, startIngest, videoTag } from './ingest-fixture.js';

const TIMEOUTS = { handshakeTimeoutMs: 600, commandTimeoutMs: 600, idleTimeoutMs: 1_200 };

/** A message as chunks; all hostile inputs stay below the default chunk size or cut themselves. */
function chunks(message: RtmpMessage, csid = 3): Buffer {
  return encodeChunks(csid, message, CHUNK_SIZE_DEFAULT);
}

function raw(type: number, payload: Buffer, streamId = 0): Buffer {
  return chunks({ type, timestampMs: 0, streamId, payload });
}

function invoke(...body: Buffer[]): Buffer {
  return raw(20, Buffer.concat(body));
}

const CONNECT = chunks(
  command('connect', 1, { object: { app: 'publish', tcUrl: 'rtmp://127.0.0.1/publish' } }),
);
const CREATE = chunks(command('createStream', 2));
const PUBLISH = (key: string) =>
  chunks(command('publish', 3, { streamId: 1, args: [key, 'live'] }));
const nested = (depth: number) =>
  Buffer.concat(Array.from({ length: depth }, () => Buffer.from([10, 0, 0, 0, 1])));

const bytesOf = (session: RtmpSession) => session.connection.bytesIn;

interface Hostile {
  readonly what: string;
  /** Bytes behind the handshake, or everything with `isRaw`. */
  readonly bytes: Buffer | ((noise: (length: number) => Buffer) => Buffer);
  readonly isRaw?: boolean;
  /** How the session has to end; undefined = it is served on. */
  readonly end?: string | readonly string[];
}

const HOSTILE: readonly Hostile[] = [
  {
    what: '4 KiB of noise instead of a handshake',
    bytes: (noise) => Buffer.concat([Buffer.from([0x9c]), noise(4_095)]),
    isRaw: true,
    end: 'protocol',
  },
  { what: 'a wrong version byte', bytes: Buffer.from([6]), isRaw: true, end: 'protocol' },
  {
    what: '64 KiB of noise behind the handshake',
    bytes: (noise) => noise(65_536),
    end: ['protocol', 'byte-cap'],
  },
  { what: 'set chunk size without a value', bytes: raw(1, Buffer.alloc(0)), end: 'protocol' },
  { what: 'set chunk size 0', bytes: raw(1, Buffer.alloc(4)), end: 'protocol' },
  {
    what: 'a video message of no bytes before publish',
    bytes: Buffer.concat([CONNECT, raw(9, Buffer.alloc(0), 1)]),
    end: 'refused',
  },
  {
    what: 'connect without tcUrl',
    bytes: chunks(command('connect', 1, { object: { app: 'publish' } })),
  },
  {
    what: 'connect with a tcUrl that is none',
    bytes: chunks(command('connect', 1, { object: { app: 'publish', tcUrl: '::::' } })),
  },
  { what: 'connect with null', bytes: chunks(command('connect', 1)), end: 'protocol' },
  {
    what: 'publish without a name',
    bytes: Buffer.concat([CONNECT, CREATE, chunks(command('publish', 3, { streamId: 1 }))]),
    end: 'refused',
  },
  {
    what: 'publish with a number for a name',
    bytes: Buffer.concat([CONNECT, CREATE, chunks(command('publish', 3, { args: [5] }))]),
    end: 'protocol',
  },
  {
    what: 'an unknown AMF type',
    bytes: invoke(encodeAmf0('connect', 1), Buffer.from([0x7e])),
    end: 'protocol',
  },
  { what: 'a command of one byte', bytes: invoke(Buffer.from([2])), end: 'protocol' },
  {
    what: 'AMF nested 3,000 deep',
    bytes: invoke(encodeAmf0('connect', 1), nested(3_000)),
    end: 'protocol',
  },
  {
    what: 'AMF nested 12,000 deep',
    bytes: invoke(encodeAmf0('connect', 1), nested(12_000)),
    end: 'protocol',
  },
  {
    what: 'an array of 2^32-1 elements',
    bytes: invoke(encodeAmf0('connect', 1), Buffer.from([10, 255, 255, 255, 255])),
    end: 'protocol',
  },
  { what: 'a truncated string', bytes: invoke(Buffer.from([2, 0, 50, 97])), end: 'protocol' },
  {
    what: 'a truncated @setDataFrame of a publisher',
    bytes: Buffer.concat([
      CONNECT,
      CREATE,
      PUBLISH('sk_frame'),
      raw(18, encodeAmf0('@setDataFrame').subarray(0, 8), 1),
    ]),
    end: 'protocol',
  },
  { what: 'a truncated chunk', bytes: CONNECT.subarray(0, 40), end: 'command-timeout' },
  {
    what: 'a message of 16 MiB announced',
    bytes: Buffer.from([4, 0, 0, 0, 0xff, 0xff, 0xff, 8, 1, 0, 0, 0, 0, 0]),
    end: 'protocol',
  },
  {
    what: 'a shorter length in the middle of a message',
    bytes: Buffer.concat([
      Buffer.from([4, 0, 0, 0, 0, 4, 0, 8, 1, 0, 0, 0]),
      Buffer.alloc(128),
      Buffer.from([0x44, 0, 0, 0, 0, 0, 9, 8]),
      Buffer.alloc(9),
    ]),
    end: 'protocol',
  },
  { what: 'silence', bytes: Buffer.alloc(0), isRaw: true, end: 'handshake-timeout' },
  { what: 'silence behind the handshake', bytes: Buffer.alloc(0), end: 'command-timeout' },
  {
    what: 'publish and never media',
    bytes: Buffer.concat([CONNECT, CREATE, PUBLISH('sk_silent')]),
    end: 'idle',
  },
  {
    what: 'media from a session that only connected',
    bytes: Buffer.concat([CONNECT, raw(8, Buffer.from('af01aa', 'hex'), 1)]),
    end: 'refused',
  },
  {
    what: 'commands before connect',
    bytes: Buffer.concat([CREATE, PUBLISH('sk_early')]),
    end: 'protocol',
  },
  { what: 'connect twice', bytes: Buffer.concat([CONNECT, CONNECT]), end: 'protocol' },
  {
    what: 'set chunk size beyond 24 bits',
    bytes: raw(1, Buffer.from([0x7f, 255, 255, 255])),
    end: 'protocol',
  },
  {
    what: 'an abort without an id',
    bytes: raw(2, Buffer.from([1])),
    end: 'protocol',
  },
  {
    what: 'a ping of two bytes',
    bytes: raw(4, Buffer.from([0, 6])),
    end: 'protocol',
  },
];

/** Writes bytes through an own socket; `closed` resolves when the server has closed it. */
function attack(server: number, bytes: Buffer, isRaw: boolean) {
  const socket = connect({ port: server, host: '127.0.0.1' });
  let port = 0;
  socket.on('connect', () => (port = socket.localPort ?? 0));
  socket.on('error', () => undefined);
  socket.on('data', () => undefined);
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  const hello = new ClientHandshake().hello();
  // C2 may hold anything, so the whole handshake can be sent at once.
  socket.write(isRaw ? bytes : Buffer.concat([hello, Buffer.alloc(1_536), bytes]));
  return { socket, closed, port: () => port };
}

/** A publisher with a reader, to see that it loses nothing meanwhile. */
async function bystander(t: Test, ingest: Ingest) {
  const client = await ingest.publisher('sk_bystander');
  const stream = await until(() => ingest.started[0], { what: 'the bystander' });
  const seen: number[] = [];
  stream.subscribe({
    header: () => undefined,
    tag: (tag) => !tag.isVideo || tag.isSequenceHeader || seen.push(tag.timestampMs) > 0,
    end: () => undefined,
  });
  let sent = 0;
  const timer = setInterval(() => {
    client.sendTag(videoTag(sent * 40, { isKey: sent % 25 === 0 }));
    sent++;
  }, 20);
  t.teardown(() => {
    clearInterval(timer);
    client.socket.destroy();
  });
  return {
    check: async () => {
      clearInterval(timer);
      await until(() => seen.length === sent, { what: 'all tags of the bystander' });
      return seen.every((at, i) => at === i * 40);
    },
  };
}

t.test('each hostile input ends its own session, with its own code', async (t) => {
  const ingest = await startIngest(t, TIMEOUTS);
  const beside = await bystander(t, ingest);
  const random = seededRandom(t);
  const noise = (length: number) => Buffer.from(Array.from({ length }, () => random.int(0, 255)));
  const endOf = (port: number) =>
    ingest.log.lines.find(
      (one) => one['event'] === 'rtmp.session.closed' && one['peerPort'] === port,
    );
  await Promise.all(
    HOSTILE.map(async ({ what, bytes, isRaw = false, end = 'command-timeout' }) => {
      const input = typeof bytes === 'function' ? bytes(noise) : bytes;
      const { port, closed } = attack(ingest.port, input, isRaw);
      await closed;
      const line = await until(() => endOf(port()), { what });
      const expected: readonly unknown[] = typeof end === 'string' ? [end] : end;
      t.ok(expected.includes(line['end']), `${what}: ${String(line['end'])}`);
    }),
  );
  t.notOk(ingest.log.events().includes('rtmp.session.fault'), 'no internal fault');
  t.equal(ingest.server.sessions.size, 1);
  t.ok(await beside.check(), 'the bystander lost nothing');
});

t.test('a player cannot put media into the stream that it plays', async (t) => {
  const ingest = await startIngest(t);
  const beside = await bystander(t, ingest);
  const player = await ingest.client('play');
  await player.play('pub-sk_bystander');
  for (let i = 0; i < 50; i++) player.sendTag(videoTag(9_999_999, { isKey: true }));
  await until(
    () => [...ingest.server.sessions].some((one) => one.app === 'play' && bytesOf(one) > 10_000),
    { what: 'the tags of the player have arrived' },
  );
  t.ok(await beside.check(), "only the publisher's own tags are in the stream");
  player.socket.destroy();
});

t.test('noise on the socket never becomes a fault', async (t) => {
  const ingest = await startIngest(t, TIMEOUTS);
  const beside = await bystander(t, ingest);
  const random = seededRandom(t);
  const base = Buffer.concat([
    CONNECT,
    CREATE,
    PUBLISH('sk_noise'),
    raw(9, Buffer.from('1701', 'hex'), 1),
  ]);
  const rounds = fuzzRounds(400);
  for (let round = 0; round < rounds; round += 20) {
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const bytes = Buffer.from(base);
        for (let i = random.int(1, 6); i > 0; i--) {
          bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
        }
        const { socket, closed } = attack(ingest.port, bytes, random.chance(0.1));
        socket.end();
        await closed;
      }),
    );
  }
  t.notOk(ingest.log.events().includes('rtmp.session.fault'), 'no internal fault');
  await until(() => ingest.server.sessions.size === 1, { what: 'only the bystander is left' });
  t.ok(await beside.check(), 'the bystander lost nothing');
});
