// Pictures of a running stream: keeps the newest key frame and, now and then, has ffmpeg make a
// JPEG of it. One per publish. A picture costs about 80 ms of CPU and is made only when the key
// frame is a new one; all streams of a node take turns.
import { spawn } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import type { Logger } from '../../cluster/index.js';
import type { FlvSink, LiveStream } from '../live-stream.js';
import { FLV_VIDEO, FlvTag, flvFileHeader } from '../protocol/flv.js';

export interface ThumbnailerOptions {
  readonly stream: LiveStream;
  /** Absolute; replaced atomically. */
  readonly file: string;
  readonly intervalMs: number;
  readonly turns: Turns;
  readonly log: Logger;
  readonly onPicture: () => void;
}

/** Height of the picture; the width follows. */
const HEIGHT = 360;
const TIMEOUT_MS = 5_000;

export class Thumbnailer implements FlvSink {
  readonly #options: ThumbnailerOptions;
  #header: FlvTag | undefined;
  #keyFrame: FlvTag | undefined;
  #shown: FlvTag | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unsubscribe: (() => void) | undefined;
  #isClosed = false;

  constructor(options: ThumbnailerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#unsubscribe = this.#options.stream.subscribe(this);
    this.#timer = setInterval(() => void this.#makeOne(), this.#options.intervalMs);
  }

  /** Makes no picture any more and removes the last one. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#unsubscribe?.();
    await rm(this.#options.file, { force: true });
  }

  header(): void {
    // Each picture gets a header of its own.
  }

  tag(tag: FlvTag): boolean {
    if (tag.isVideo && tag.isSequenceHeader) this.#header = tag;
    if (!tag.isKeyFrame) return true;
    const isFirst = this.#keyFrame === undefined;
    this.#keyFrame = tag;
    if (isFirst) void this.#makeOne();
    return true;
  }

  end(): void {
    // `close` follows when the show is over; until then the last picture stays.
    clearInterval(this.#timer);
  }

  async #makeOne(): Promise<void> {
    const [header, keyFrame] = [this.#header, this.#keyFrame];
    if (header === undefined || keyFrame === undefined || keyFrame === this.#shown) return;
    this.#shown = keyFrame;
    const { file, turns, log, onPicture } = this.#options;
    const part = `${file}.part`;
    try {
      const isMade = await turns.take(async () => {
        if (this.#isClosed) return false;
        return writePicture(header, keyFrame, part);
      });
      if (!isMade || this.#isClosed) {
        await rm(part, { force: true });
        return;
      }
      await rename(part, file);
      onPicture();
    } catch (thrown) {
      log.warn({ event: 'thumbnail.failed', err: thrown });
    }
  }
}

/** Lets one at a time do its work. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}

/** @returns whether ffmpeg made the picture */
function writePicture(header: FlvTag, keyFrame: FlvTag, file: string): Promise<boolean> {
  const args = [
    ...['-hide_banner', '-loglevel', 'error', '-threads', '1', '-f', 'flv', '-i', 'pipe:0'],
    ...['-frames:v', '1', '-vf', `scale=-2:'min(${HEIGHT},ih)'`, '-q:v', '5'],
    ...['-f', 'image2', '-update', '1', '-y', file],
  ];
  return new Promise((resolve) => {
    const child = spawn('ffmpeg', args, {
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: TIMEOUT_MS,
    });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
    child.stdin.on('error', () => undefined);
    child.stdin.write(flvFileHeader({ video: true, audio: false }));
    child.stdin.write(new FlvTag(FLV_VIDEO, 0, header.payload).encoded);
    child.stdin.end(new FlvTag(FLV_VIDEO, 0, keyFrame.payload).encoded);
  });
}
