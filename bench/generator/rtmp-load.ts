// RTMP publishers and players for one server under test. Pictures and sound are synthetic, 2.6
// Mbit/s at 30 pictures per second with a key frame every two seconds. One player, the witness,
// checks every tag; the others only count bytes, so that the generator is not what is measured.
import { FLV_AUDIO, FLV_SCRIPT, FLV_VIDEO, FlvTag, RtmpClient } from '../../rtmp/index.js';
import { serveParent } from '../lib/node-child.js';

export interface RtmpTarget {
  readonly port: number;
  readonly publishApp: string;
  readonly playApp: string;
}

export interface RtmpLoadFigures {
  readonly sentTags: number;
  readonly receivedBytes: number;
  /** Tags of the witness, in order and without a hole; undefined without players. */
  readonly witnessTags: number;
  readonly witnessGaps: number;
  /** Connections that the server has closed; stalled players excepted. */
  readonly lost: number;
}

export interface RtmpLoadCalls {
  readonly open: {
    readonly args: {
      readonly target: RtmpTarget;
      readonly publishers: number;
      readonly players: number;
      /** Players that stop reading once they play. */
      readonly stalled: number;
      /** Pictures are made larger by this factor. */
      readonly scale: number;
    };
    readonly reply: null;
  };
  readonly figures: { readonly args: null; readonly reply: RtmpLoadFigures };
  readonly close: { readonly args: null; readonly reply: null };
}

const FRAME_MS = 1_000 / 30;
const AUDIO_MS = 1_024_000 / 48_000;
const KEY_EVERY = 60;
const KEY_BYTES = 60_000;
const FRAME_BYTES = 9_600;
const AUDIO_BYTES = 190;
const PACE_MS = 5;
const OPEN_AT_ONCE = 20;
/** On a busy machine hundreds of players take their time. */
const OPEN_TIMEOUT_MS = 60_000;

const AVC_HEADER = Buffer.from(
  '17000000000142c016ffe100196742c016d900a02ff970110000030001000003001e0f162e4801000568cb83cb20',
  'hex',
);
const AAC_HEADER = Buffer.from('af00119056e500', 'hex');

interface Publisher {
  readonly client: RtmpClient;
  readonly startedAt: number;
  frames: number;
  sounds: number;
}

let clients: RtmpClient[] = [];
let isClosing = false;
let publishers: Publisher[] = [];
let timer: NodeJS.Timeout | undefined;
let payloads = makePayloads(1);
const figures = { sentTags: 0, receivedBytes: 0, witnessTags: 0, witnessGaps: 0, lost: 0 };

function makePayloads(scale: number): { key: Buffer; frame: Buffer; sound: Buffer } {
  const key = Buffer.alloc(KEY_BYTES * scale, 0xab);
  key.set([0x17, 1, 0, 0, 0]);
  const frame = Buffer.alloc(FRAME_BYTES * scale, 0xab);
  frame.set([0x27, 1, 0, 0, 0]);
  const sound = Buffer.alloc(AUDIO_BYTES, 0xcd);
  sound.set([0xaf, 1]);
  return { key, frame, sound };
}

/** Sends what is due by the clock, so that a late timer does not lower the rate. */
function pace(): void {
  for (const one of publishers) {
    const elapsed = performance.now() - one.startedAt;
    while (one.frames * FRAME_MS <= elapsed) {
      const payload = one.frames % KEY_EVERY === 0 ? payloads.key : payloads.frame;
      one.client.sendTag(new FlvTag(FLV_VIDEO, Math.round(one.frames * FRAME_MS), payload));
      one.frames += 1;
      figures.sentTags += 1;
    }
    while (one.sounds * AUDIO_MS <= elapsed) {
      const at = Math.round(one.sounds * AUDIO_MS);
      one.client.sendTag(new FlvTag(FLV_AUDIO, at, payloads.sound));
      one.sounds += 1;
      figures.sentTags += 1;
    }
  }
}

async function publish(target: RtmpTarget, name: string): Promise<void> {
  const client = await RtmpClient.open({
    host: '127.0.0.1',
    port: target.port,
    timeoutMs: OPEN_TIMEOUT_MS,
    app: target.publishApp,
  });
  clients.push(client);
  await client.publish(name);
  client.sendTag(
    new FlvTag(FLV_SCRIPT, 0, Buffer.from('02000a6f6e4d657461446174610800000000000009', 'hex')),
  );
  client.sendTag(new FlvTag(FLV_VIDEO, 0, AVC_HEADER));
  client.sendTag(new FlvTag(FLV_AUDIO, 0, AAC_HEADER));
  countLoss(client);
  publishers.push({ client, startedAt: performance.now(), frames: 0, sounds: 0 });
}

async function play(
  target: RtmpTarget,
  name: string,
  kind: 'witness' | 'counter' | 'stalled',
): Promise<void> {
  const client = await RtmpClient.open({
    host: '127.0.0.1',
    port: target.port,
    timeoutMs: OPEN_TIMEOUT_MS,
    app: target.playApp,
  });
  clients.push(client);
  if (kind === 'witness') watch(client);
  await client.play(name);
  if (kind !== 'stalled') countLoss(client);
  if (kind === 'witness') return;
  client.socket.removeAllListeners('data');
  if (kind === 'stalled') client.socket.pause();
  else client.socket.on('data', (data: Buffer) => (figures.receivedBytes += data.length));
}

function countLoss(client: RtmpClient): void {
  client.socket.once('close', () => {
    if (!isClosing) figures.lost += 1;
  });
}

/** Pictures come 33 or 34 ms apart; anything else is a hole. */
function watch(client: RtmpClient): void {
  let last: number | undefined;
  client.onTag = (tag) => {
    if (tag.type === FLV_SCRIPT || tag.isSequenceHeader) return;
    figures.witnessTags += 1;
    figures.receivedBytes += tag.payload.length;
    if (tag.type !== FLV_VIDEO) return;
    const step = last === undefined ? 33 : tag.timestampMs - last;
    if (step < 33 || step > 34) figures.witnessGaps += 1;
    last = tag.timestampMs;
  };
}

serveParent<RtmpLoadCalls>({
  async open({ target, publishers: count, players, stalled, scale }) {
    isClosing = false;
    payloads = makePayloads(scale);
    Object.assign(figures, {
      sentTags: 0,
      receivedBytes: 0,
      witnessTags: 0,
      witnessGaps: 0,
      lost: 0,
    });
    for (let i = 0; i < count; i += 1) await publish(target, `bench${i}`);
    timer = setInterval(pace, PACE_MS);
    for (let i = 0; i < players; i += OPEN_AT_ONCE) {
      const batch = Math.min(OPEN_AT_ONCE, players - i);
      await Promise.all(
        Array.from({ length: batch }, (_, at) =>
          play(target, 'bench0', i + at === 0 ? 'witness' : 'counter'),
        ),
      );
    }
    for (let i = 0; i < stalled; i += 1) await play(target, 'bench0', 'stalled');
    return null;
  },
  figures: () => ({ ...figures }),
  close() {
    clearInterval(timer);
    isClosing = true;
    for (const client of clients) client.socket.destroy();
    clients = [];
    publishers = [];
    return null;
  },
});
