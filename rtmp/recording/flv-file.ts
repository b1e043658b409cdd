// One FLV file that is being recorded: tags in, bytes on disk within a quarter of a second, head
// patched at the end. Used by Take.
// Invariants: what waits in memory is bounded, because a full queue says so; after a failure
// nothing is written any more and `onFailure` was called once.
import { closeSync, mkdirSync, openSync, write } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { coerceError } from '../../cluster/index.js';
import { frameFlvTag, type FlvTag } from '../protocol/flv.js';
import { flvHead, type FlvSummary, type KeyFrameEntry, NOTHING_YET } from './flv-summary.js';

export interface FlvFileOptions {
  readonly path: string;
  /** Goes on behind what the file holds; its head is then left to `repairFlv`. */
  readonly startBytes?: number;
  readonly onFailure: (error: NodeJS.ErrnoException) => void;
}

const writeAt = promisify(write);
const FLUSH_BYTES = 256 * 1024;
const FLUSH_MS = 250;
const QUEUE_BYTES_MAX = 8 << 20;

export class FlvFile {
  readonly path: string;
  readonly #fd: number;
  readonly #onFailure: (error: NodeJS.ErrnoException) => void;
  readonly #isAppended: boolean;
  readonly #keyFrames: KeyFrameEntry[] = [];
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  /** Where the next queued byte goes. */
  #end: number;
  #written: number;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  /**
   * Synchronous, so that not a tag is missed between decision and file; a few small system calls.
   * @throws EEXIST when a new file would replace one, and every other error of open
   */
  constructor(options: FlvFileOptions) {
    this.path = options.path;
    this.#onFailure = options.onFailure;
    mkdirSync(dirname(options.path), { recursive: true });
    const { startBytes = 0 } = options;
    this.#isAppended = startBytes > 0;
    this.#fd = openSync(options.path, this.#isAppended ? 'r+' : 'wx');
    this.#end = this.#written = startBytes;
    if (!this.#isAppended) this.#push(flvHead(NOTHING_YET));
  }

  /** Of the whole file, what is queued included. */
  get bytes(): number {
    return this.#end;
  }

  /** The disk is slower than the stream: further pictures would fill the memory. */
  get isFull(): boolean {
    return this.#queuedBytes > QUEUE_BYTES_MAX;
  }

  write(tag: FlvTag, timeMs: number): void {
    if (this.#failure !== undefined) return;
    if (tag.isKeyFrame) this.#keyFrames.push({ timeMs, position: this.#end });
    for (const part of frameFlvTag(tag, timeMs)) this.#push(part);
    if (this.#queuedBytes >= FLUSH_BYTES) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  /** Writes what is left and the head. @returns false when that failed, now or before */
  async close(summary: Omit<FlvSummary, 'bytes' | 'keyFrames'>): Promise<boolean> {
    this.#flush();
    await this.#writing;
    if (this.#failure === undefined && !this.#isAppended) {
      const head = flvHead({ ...summary, bytes: this.#end, keyFrames: this.#keyFrames });
      await this.#writeAll(head, 0).catch((thrown: unknown) => this.#fail(thrown));
    }
    closeSync(this.#fd);
    return this.#failure === undefined;
  }

  #push(bytes: Buffer): void {
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#end += bytes.length;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing
      .then(() => this.#writeQueue())
      .catch((thrown: unknown) => this.#fail(thrown));
  }

  async #writeQueue(): Promise<void> {
    if (this.#failure !== undefined || this.#queue.length === 0) return;
    const bytes = Buffer.concat(this.#queue);
    this.#queue = [];
    await this.#writeAll(bytes, this.#written);
    this.#written += bytes.length;
    this.#queuedBytes -= bytes.length;
  }

  /** A disk that is nearly full takes a part and says no to the rest only then. */
  async #writeAll(bytes: Buffer, position: number): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await writeAt(this.#fd, bytes, at, bytes.length - at, position + at);
      at += bytesWritten;
    }
  }

  #fail(thrown: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = coerceError(thrown);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#onFailure(this.#failure);
  }
}
