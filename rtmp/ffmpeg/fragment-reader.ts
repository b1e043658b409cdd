// Cuts the fragmented MP4 that ffmpeg writes to a pipe into its initialization section and its
// fragments. Used by hls/part-writer.ts, one per output of a run.
// Invariant: at most one box, of at most `BOX_BYTES_MAX`, waits in memory.
import {
  boxesIn,
  type FragmentTimes,
  type Mp4Track,
  readFragment,
  readTracks,
} from './mp4-boxes.js';

/** `moof` and `mdat`: what EXT-X-PART names. */
export interface Fragment extends FragmentTimes {
  readonly bytes: Buffer;
}

export interface FragmentEvents {
  /** `ftyp` and `moov`: what EXT-X-MAP names. First, and once. */
  init(bytes: Buffer): void;
  fragment(fragment: Fragment): void;
}

/** Half a second at 20 Mbit/s is 1.3 MB. */
const BOX_BYTES_MAX = 16 * 1024 * 1024;
const HEADER_BYTES = 8;

export class FragmentReader {
  readonly #events: FragmentEvents;
  #chunks: Buffer[] = [];
  #length = 0;
  #needed = HEADER_BYTES;
  #fileType: Buffer = Buffer.alloc(0);
  #moof: Buffer | undefined;
  #tracks: ReadonlyMap<number, Mp4Track> = new Map();

  constructor(events: FragmentEvents) {
    this.#events = events;
  }

  /** @throws RangeError when it is no MP4 */
  push(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    while (this.#length >= this.#needed) {
      const all = Buffer.concat(this.#chunks, this.#length);
      const size = all.readUInt32BE(0);
      if (size < HEADER_BYTES || size > BOX_BYTES_MAX) throw new RangeError('broken MP4 box');
      const isWhole = all.length >= size;
      if (isWhole) this.#box(all.subarray(0, size));
      this.#chunks = [isWhole ? all.subarray(size) : all];
      this.#length = isWhole ? all.length - size : all.length;
      this.#needed = isWhole ? HEADER_BYTES : size;
    }
  }

  #box(bytes: Buffer): void {
    for (const { type, body } of boxesIn(bytes)) {
      if (type === 'ftyp') this.#fileType = bytes;
      else if (type === 'moof') this.#moof = bytes;
      else if (type === 'mdat') this.#fragment(bytes);
      else if (type === 'moov') {
        this.#tracks = readTracks(body);
        this.#events.init(Buffer.concat([this.#fileType, bytes]));
      }
    }
  }

  #fragment(mdat: Buffer): void {
    const moof = this.#moof;
    if (moof === undefined) return;
    this.#moof = undefined;
    const times = readFragment(moof.subarray(HEADER_BYTES), this.#tracks);
    if (times === undefined) return;
    this.#events.fragment({ ...times, bytes: Buffer.concat([moof, mdat]) });
  }
}
