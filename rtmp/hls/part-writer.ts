// Makes segments and parts of the fragments of one rendition: a segment is a file, a part is a
// stretch of it, so each byte is written once. Used by StreamPipeline for runs with parts.
// Invariants: a part is reported when its bytes are on disk and before its segment; a segment
// begins with a key frame; what waits to be written is bounded.
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { coerceError } from '../../cluster/index.js';
import { type Fragment, FragmentReader } from '../ffmpeg/fragment-reader.js';
import type { FinishedSegment } from '../ffmpeg/segment-list.js';

/** A stretch of a segment's file that can be fetched by itself. */
export interface WrittenPart {
  /** Counts the parts of the run's rendition, across segments: the next one's address is known. */
  readonly index: number;
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  /** Seconds since the start of the run. */
  readonly startSec: number;
  readonly durationSec: number;
  readonly isIndependent: boolean;
}

export interface PartWriterOptions {
  /** Absolute; it exists. */
  readonly folder: string;
  readonly segmentSec: number;
  readonly onPart: (part: WrittenPart) => void;
  readonly onSegment: (segment: FinishedSegment) => void;
  /** Nothing is reported any more after it, apart from the segment that is open. */
  readonly onFailed: (error: Error) => void;
}

interface OpenSegment {
  readonly file: string;
  readonly startSec: number;
  endSec: number;
  bytes: number;
}

/** What EXT-X-MAP names, in the folder of each rendition. */
export const INIT_FILE = 'init.mp4';
/** Key frames that come a frame early still make the cut. */
const CUT_SLACK_SEC = 0.05;
/** A disk that is further behind than this has failed. */
const WAITING_BYTES_MAX = 32 * 1024 * 1024;

export class PartWriter {
  readonly #options: PartWriterOptions;
  readonly #reader: FragmentReader;
  #tail: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  #segments = 0;
  #parts = 0;
  #open: OpenSegment | undefined;
  #hasFailed = false;

  constructor(options: PartWriterOptions) {
    this.#options = options;
    this.#reader = new FragmentReader({
      init: (bytes) => {
        const path = join(options.folder, INIT_FILE);
        this.#enqueue(bytes.length, () => writeFile(path, bytes));
      },
      fragment: (one) => this.#enqueue(one.bytes.length, () => this.#write(one)),
    });
  }

  /** What ffmpeg has written. */
  push(bytes: Buffer): void {
    if (this.#hasFailed) return;
    try {
      this.#reader.push(bytes);
    } catch (thrown) {
      this.#fail(coerceError(thrown));
    }
  }

  /** After the last bytes: all is written, and the open segment is finished with what it has. */
  async close(): Promise<void> {
    await this.#tail;
    this.#finish();
  }

  async #write(fragment: Fragment): Promise<void> {
    const { startSec, durationSec, isIndependent, bytes } = fragment;
    const lengthSec = startSec - (this.#open?.startSec ?? startSec);
    if (isIndependent && lengthSec >= this.#options.segmentSec - CUT_SLACK_SEC) {
      this.#finish(startSec);
    }
    this.#open ??= { ...{ file: `${this.#segments++}.m4s`, startSec }, endSec: startSec, bytes: 0 };
    const open = this.#open;
    await appendFile(join(this.#options.folder, open.file), bytes);
    const stretch = { file: open.file, offset: open.bytes, bytes: bytes.length };
    open.bytes += bytes.length;
    open.endSec = startSec + durationSec;
    const index = this.#parts++;
    this.#options.onPart({ index, ...stretch, startSec, durationSec, isIndependent });
  }

  #finish(endSec?: number): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    const { file, startSec } = open;
    this.#options.onSegment({ file, startSec, endSec: endSec ?? open.endSec });
  }

  #enqueue(bytes: number, step: () => Promise<void>): void {
    this.#waitingBytes += bytes;
    if (this.#waitingBytes > WAITING_BYTES_MAX) this.#fail(new Error('the disk is too slow'));
    this.#tail = this.#tail
      .then(() => (this.#hasFailed ? undefined : step()))
      .catch((thrown: unknown) => this.#fail(coerceError(thrown)))
      .finally(() => {
        this.#waitingBytes -= bytes;
      });
  }

  #fail(error: Error): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.onFailed(error);
  }
}
