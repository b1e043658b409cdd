// ffmpeg that turns what a browser's MediaRecorder makes (WebM or MP4; VP8, VP9, H.264; Opus) into
// FLV with H.264 and AAC, key frames at whole segments. Used by BrowserPublisher, one each.
// Invariant: at most `QUEUE_BYTES_MAX` wait for ffmpeg, because the browser is held back by then.
import { audioOptions, PROGRESS_FD, videoOptions } from '../ffmpeg/command.js';
import { type FfmpegExit, FfmpegProcess } from '../ffmpeg/ffmpeg-process.js';
import { type Encoding, fittingRungs } from '../ffmpeg/rungs.js';
import type { FlvTag } from '../protocol/flv.js';
import { FlvReader } from '../protocol/flv-reader.js';

export interface BrowserMedia {
  readonly container: 'webm' | 'mp4';
  readonly width: number;
  readonly height: number;
}

export interface BrowserEncoderOptions {
  readonly media: BrowserMedia;
  readonly segmentSec: number;
  /** Return false to be asked again by `resume`. */
  readonly onTag: (tag: FlvTag) => boolean;
  /** It can take more again. */
  readonly onDrain: () => void;
}

const FPS = 30;
const HEIGHT_MAX = 720;
const SOUND = { bitrateBps: 128_000 };
const QUEUE_BYTES_MAX = 4 << 20;

export class BrowserEncoder {
  readonly exited: Promise<FfmpegExit>;
  readonly #process: FfmpegProcess;
  #droppedFrames = 0;
  #outTimeMs = 0;

  constructor({ media, segmentSec, onTag, onDrain }: BrowserEncoderOptions) {
    this.#process = new FfmpegProcess({
      ...{ args: encoderArguments(media, segmentSec), outputs: 0, hasOutput: true },
      onSegment: () => undefined,
      onProgress: ({ droppedFrames, outTimeMs }) => {
        this.#droppedFrames = droppedFrames;
        this.#outTimeMs = outTimeMs;
      },
    });
    this.exited = this.#process.exited;
    const { stdin, stdout } = this.#process;
    stdin.on('drain', onDrain);
    const reader = new FlvReader((tag) => {
      if (!onTag(tag)) stdout.pause();
    });
    stdout.on('data', (bytes: Buffer) => reader.push(bytes));
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get droppedFrames(): number {
    return this.#droppedFrames;
  }

  /** Media time that came out so far, ms. */
  get outTimeMs(): number {
    return this.#outTimeMs;
  }

  /** Last words of ffmpeg. */
  get complaints(): readonly string[] {
    return this.#process.log.tail(3);
  }

  /** @returns false when the sender has to wait for `onDrain` */
  write(bytes: Buffer): boolean {
    const { stdin } = this.#process;
    if (stdin.destroyed || stdin.writableEnded) return true;
    stdin.write(bytes);
    return stdin.writableLength < QUEUE_BYTES_MAX;
  }

  /** Goes on handing out tags. */
  resume(): void {
    this.#process.stdout.resume();
  }

  /** Hands out what is left; no process after two seconds. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }
}

/** The picture that is published: that of the browser, at most 720 lines, never enlarged. */
export function browserEncoding({ width, height }: BrowserMedia): Encoding {
  const [encoding] = fittingRungs({ width, height, fps: FPS }, Math.min(height, HEIGHT_MAX), false);
  const rungs = encoding ?? fittingRungs({ width: 1_280, height: 720, fps: FPS }, 720, false)[0];
  if (rungs === undefined) throw new Error('there is a rung for 720 lines');
  return rungs;
}

function encoderArguments(media: BrowserMedia, segmentSec: number): readonly string[] {
  const rendition = { video: browserEncoding(media), audio: SOUND };
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'warning'],
    ...['-progress', `pipe:${PROGRESS_FD}`, '-stats_period', '1', '-nostats'],
    ...['-analyzeduration', '1000000', '-probesize', '1000000'],
    ...['-f', media.container === 'webm' ? 'matroska' : 'mov', '-i', 'pipe:0'],
    ...optional(videoOptions(rendition, segmentSec)),
    ...optional(audioOptions(rendition)),
    ...['-max_interleave_delta', '500000', '-flush_packets', '1'],
    ...['-flvflags', 'no_duration_filesize', '-f', 'flv', 'pipe:1'],
  ];
}

/** A browser may send sound or picture alone. */
function optional(options: readonly string[]): readonly string[] {
  return options.map((one) => (/^0:[va]:0$/.test(one) ? `${one}?` : one));
}
