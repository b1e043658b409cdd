// Reads a recorded FLV file from end to end, header by header: what a writer that died could not
// note, and where the next tag may be appended. A torn tag at the end is cut off.
import { type FileHandle, open } from 'node:fs/promises';
import { parseAvcConfig } from '../protocol/avc.js';
import { FLV_AUDIO, FLV_VIDEO, FlvTag } from '../protocol/flv.js';
import { FLV_HEAD_BYTES, flvHead, type FlvSummary, type KeyFrameEntry } from './flv-summary.js';

export interface FlvScan extends FlvSummary {
  /** Pictures, or sounds where there is no picture. */
  readonly frames: number;
}

const TAG_HEADER_BYTES = 11;
const TRAILER_BYTES = 4;
const READ_BYTES = 1 << 20;
/** Enough of a payload to know key frames and to read an AVC configuration. */
const PEEK_BYTES = 256;

/**
 * Mends a file that this node has written: cuts off a torn tag and writes duration and index.
 * @returns undefined when it has no media. @throws when it cannot be read or written
 */
export async function repairFlv(path: string): Promise<FlvScan | undefined> {
  const file = await open(path, 'r+');
  try {
    const scan = await scanFlv(file);
    if (scan === undefined) return undefined;
    await file.truncate(scan.bytes);
    const head = flvHead(scan);
    await file.write(head, 0, head.length, 0);
    return scan;
  } finally {
    await file.close();
  }
}

/** @returns undefined when there is no whole media tag behind a head of ours */
async function scanFlv(file: FileHandle): Promise<FlvScan | undefined> {
  const window = new Window(file, (await file.stat()).size);
  const keyFrames: KeyFrameEntry[] = [];
  let position = FLV_HEAD_BYTES;
  let [durationMs, videos, audios] = [0, 0, 0];
  let size = { width: 0, height: 0, fps: 0 };
  for (;;) {
    const head = await window.read(position, TAG_HEADER_BYTES + PEEK_BYTES);
    if (head === undefined || head.length < TAG_HEADER_BYTES) break;
    const length = head.readUIntBE(1, 3);
    const next = position + TAG_HEADER_BYTES + length + TRAILER_BYTES;
    const type = head[0];
    if (next > window.size || (type !== FLV_AUDIO && type !== FLV_VIDEO)) break;
    const timeMs = head.readUIntBE(4, 3) + (head[7] ?? 0) * 2 ** 24;
    const end = Math.min(head.length, TAG_HEADER_BYTES + length);
    const tag = new FlvTag(type, timeMs, head.subarray(TAG_HEADER_BYTES, end));
    if (tag.isKeyFrame) keyFrames.push({ timeMs, position });
    if (tag.isSequenceHeader) size = parseAvcConfig(tag) ?? size;
    else if (tag.isVideo) videos += 1;
    else audios += 1;
    durationMs = Math.max(durationMs, timeMs);
    position = next;
  }
  if (videos + audios === 0) return undefined;
  const { width, height, fps } = size;
  return {
    ...{ durationMs, bytes: position, hasVideo: videos > 0, hasAudio: audios > 0 },
    ...{ width, height, fps, keyFrames, frames: videos > 0 ? videos : audios },
  };
}

/** A moving piece of a file, so that small reads next to each other cost one large one. */
class Window {
  readonly size: number;
  readonly #file: FileHandle;
  #start = 0;
  #bytes = Buffer.alloc(0);

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Up to `length` bytes; undefined at the end of the file. */
  async read(position: number, length: number): Promise<Buffer | undefined> {
    if (position >= this.size) return undefined;
    const wanted = Math.min(length, this.size - position);
    const isHeld = position >= this.#start && position + wanted <= this.#start + this.#bytes.length;
    if (!isHeld) {
      const into = Buffer.alloc(Math.min(READ_BYTES, this.size - position));
      const { bytesRead } = await this.#file.read(into, 0, into.length, position);
      this.#bytes = into.subarray(0, bytesRead);
      this.#start = position;
    }
    const at = position - this.#start;
    return this.#bytes.subarray(at, at + wanted);
  }
}
