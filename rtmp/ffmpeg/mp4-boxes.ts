// Reads what the packager must know of fragmented MP4 (ISO/IEC 14496-12): the tracks of a `moov`
// and when a `moof` begins, how long it lasts and whether it can be decoded by itself. Pure; used
// by fragment-reader.ts on what our own ffmpeg writes.

export interface Box {
  readonly type: string;
  /** Without size and type. */
  readonly body: Buffer;
}

export interface Mp4Track {
  /** Units per second. */
  readonly timescale: number;
  readonly isVideo: boolean;
  readonly defaultDuration: number;
  readonly defaultFlags: number;
}

export interface FragmentTimes {
  /** Decode time of the first sample, s since the start of the run. */
  readonly startSec: number;
  readonly durationSec: number;
  /** Begins with a key frame, or there is no picture. */
  readonly isIndependent: boolean;
}

interface TrackFragment {
  readonly track: Mp4Track;
  readonly start: number;
  readonly duration: number;
  readonly samples: number;
  readonly isSync: boolean;
}

const HEADER_BYTES = 8;
/** sample_is_non_sync_sample (clause 8.8.3.1). */
const NON_SYNC = 0x10000;
const TFHD_BASE_OFFSET = 0x1;
const TFHD_DESCRIPTION = 0x2;
const TFHD_DURATION = 0x8;
const TFHD_SIZE = 0x10;
const TFHD_FLAGS = 0x20;
const TRUN_DATA_OFFSET = 0x1;
const TRUN_FIRST_FLAGS = 0x4;
const TRUN_DURATION = 0x100;
const TRUN_SIZE = 0x200;
const TRUN_FLAGS = 0x400;
const TRUN_COMPOSITION = 0x800;

/** Boxes that stand one after the other. @throws RangeError for a size that cannot be */
export function* boxesIn(bytes: Buffer): Generator<Box> {
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const size = bytes.readUInt32BE(at);
    if (size < HEADER_BYTES || at + size > bytes.length) throw new RangeError('broken MP4 box');
    const type = bytes.toString('latin1', at + 4, at + HEADER_BYTES);
    yield { type, body: bytes.subarray(at + HEADER_BYTES, at + size) };
    at += size;
  }
}

/** By track id. @param moov body of the box */
export function readTracks(moov: Buffer): ReadonlyMap<number, Mp4Track> {
  const defaults = new Map<number, { defaultDuration: number; defaultFlags: number }>();
  const mvex = child(moov, 'mvex') ?? Buffer.alloc(0);
  for (const { type, body } of boxesIn(mvex)) {
    if (type !== 'trex') continue;
    const defaultDuration = body.readUInt32BE(12);
    defaults.set(body.readUInt32BE(4), { defaultDuration, defaultFlags: body.readUInt32BE(20) });
  }
  const tracks = new Map<number, Mp4Track>();
  for (const { type, body } of boxesIn(moov)) {
    if (type !== 'trak') continue;
    const header = need(body, 'tkhd');
    const media = need(body, 'mdia');
    const mediaHeader = need(media, 'mdhd');
    const id = header.readUInt32BE(header[0] === 1 ? 20 : 12);
    tracks.set(id, {
      timescale: mediaHeader.readUInt32BE(mediaHeader[0] === 1 ? 20 : 12),
      isVideo: need(media, 'hdlr').toString('latin1', 8, 12) === 'vide',
      ...(defaults.get(id) ?? { defaultDuration: 0, defaultFlags: 0 }),
    });
  }
  return tracks;
}

/** @param moof body of the box. @returns undefined when it has no samples */
export function readFragment(
  moof: Buffer,
  tracks: ReadonlyMap<number, Mp4Track>,
): FragmentTimes | undefined {
  const found = [...boxesIn(moof)]
    .filter(({ type }) => type === 'traf')
    .map(({ body }) => readTrackFragment(body, tracks))
    .filter(({ samples }) => samples > 0);
  const main = found.find(({ track }) => track.isVideo) ?? found[0];
  if (main === undefined) return undefined;
  const hasPicture = [...tracks.values()].some(({ isVideo }) => isVideo);
  return {
    startSec: main.start / main.track.timescale,
    durationSec: main.duration / main.track.timescale,
    isIndependent: !hasPicture || (main.track.isVideo && main.isSync),
  };
}

function readTrackFragment(traf: Buffer, tracks: ReadonlyMap<number, Mp4Track>): TrackFragment {
  const header = need(traf, 'tfhd');
  const has = header.readUInt32BE(0);
  const track = tracks.get(header.readUInt32BE(4));
  if (track === undefined) throw new RangeError('MP4 fragment of an unknown track');
  let at = 8;
  if ((has & TFHD_BASE_OFFSET) !== 0) at += 8;
  if ((has & TFHD_DESCRIPTION) !== 0) at += 4;
  let { defaultDuration, defaultFlags } = track;
  if ((has & TFHD_DURATION) !== 0) {
    defaultDuration = header.readUInt32BE(at);
    at += 4;
  }
  if ((has & TFHD_SIZE) !== 0) at += 4;
  if ((has & TFHD_FLAGS) !== 0) defaultFlags = header.readUInt32BE(at);
  const time = need(traf, 'tfdt');
  const start = time[0] === 1 ? Number(time.readBigUInt64BE(4)) : time.readUInt32BE(4);
  let duration = 0;
  let samples = 0;
  let firstFlags: number | undefined;
  for (const { type, body } of boxesIn(traf)) {
    if (type !== 'trun') continue;
    const one = readRun(body, { defaultDuration, defaultFlags });
    firstFlags ??= one.firstFlags;
    duration += one.duration;
    samples += one.samples;
  }
  return { track, start, duration, samples, isSync: ((firstFlags ?? NON_SYNC) & NON_SYNC) === 0 };
}

function readRun(
  run: Buffer,
  { defaultDuration, defaultFlags }: Pick<Mp4Track, 'defaultDuration' | 'defaultFlags'>,
): { samples: number; duration: number; firstFlags: number } {
  const has = run.readUInt32BE(0);
  const samples = run.readUInt32BE(4);
  let at = HEADER_BYTES + ((has & TRUN_DATA_OFFSET) !== 0 ? 4 : 0);
  let firstFlags = defaultFlags;
  if ((has & TRUN_FIRST_FLAGS) !== 0) {
    firstFlags = run.readUInt32BE(at);
    at += 4;
  }
  const bytesBefore = sizeOf(has, TRUN_DURATION) + sizeOf(has, TRUN_SIZE);
  if ((has & TRUN_FLAGS) !== 0 && samples > 0) firstFlags = run.readUInt32BE(at + bytesBefore);
  if ((has & TRUN_DURATION) === 0)
    return { samples, duration: samples * defaultDuration, firstFlags };
  const step = bytesBefore + sizeOf(has, TRUN_FLAGS) + sizeOf(has, TRUN_COMPOSITION);
  let duration = 0;
  for (let n = 0; n < samples; n += 1) duration += run.readUInt32BE(at + n * step);
  return { samples, duration, firstFlags };
}

function sizeOf(has: number, flag: number): number {
  return (has & flag) === 0 ? 0 : 4;
}

function child(parent: Buffer, type: string): Buffer | undefined {
  for (const box of boxesIn(parent)) if (box.type === type) return box.body;
  return undefined;
}

function need(parent: Buffer, type: string): Buffer {
  const body = child(parent, type);
  if (body === undefined) throw new RangeError(`MP4 box ${type} is missing`);
  return body;
}
