// One recorded file from its first tag to its close: writes tags of its kind with times from zero,
// counts, and says when a limit is reached. Used by Recorder.
import { FlvRetimer } from '../ffmpeg/flv-retimer.js';
import type { LiveStream } from '../live-stream.js';
import type { FlvTag } from '../protocol/flv.js';
import { FlvFile } from './flv-file.js';
import type { RecordingEnd, RecordingKind } from './recording.js';

/** 0 = no limit. */
export interface TakeLimits {
  readonly sizeMaxBytes: number;
  readonly framesMax: number;
  readonly durationMaxMs: number;
  /** After this the recording goes on in the next file. */
  readonly intervalMs: number;
}

export interface TakeOptions {
  readonly stream: LiveStream;
  readonly path: string;
  readonly kind: RecordingKind;
  readonly limits: TakeLimits;
  /** What the file holds already; appended to. */
  readonly after?: { readonly bytes: number; readonly durationMs: number };
  readonly onFailure: (end: 'disk-full' | 'write-failed', error: Error) => void;
}

/** Between the last tag of an earlier file and the first that is appended. */
const APPEND_GAP_MS = 40;
const FULL_CODES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export class Take {
  readonly #options: TakeOptions;
  readonly #file: FlvFile;
  readonly #retimer = new FlvRetimer();
  readonly #offsetMs: number;
  #durationMs: number;
  #frames = 0;
  #hasVideo = false;
  #hasAudio = false;

  /** @throws when the file cannot be opened */
  constructor(options: TakeOptions) {
    const { after, path, onFailure } = options;
    this.#options = options;
    this.#offsetMs = after === undefined ? 0 : after.durationMs + APPEND_GAP_MS;
    this.#durationMs = after?.durationMs ?? 0;
    this.#file = new FlvFile({
      path,
      ...(after === undefined ? {} : { startBytes: after.bytes }),
      onFailure: (error) => {
        onFailure(FULL_CODES.has(error.code ?? '') ? 'disk-full' : 'write-failed', error);
      },
    });
  }

  get durationMs(): number {
    return this.#durationMs;
  }

  get bytes(): number {
    return this.#file.bytes;
  }

  /** Takes the tag or leaves it; false asks for nothing more before the next key frame. */
  write(tag: FlvTag): boolean {
    // Asked for every tag, or the time between two key frames would look like a jump.
    const timeMs = this.#offsetMs + this.#retimer.retime(tag);
    if (!isOfKind(tag, this.#options.kind)) return true;
    if (this.#file.isFull && !tag.isSequenceHeader) return false;
    this.#file.write(tag, timeMs);
    if (tag.isSequenceHeader) return true;
    this.#durationMs = Math.max(this.#durationMs, timeMs);
    if (tag.isVideo) this.#hasVideo = true;
    else this.#hasAudio = true;
    const isCounted = this.#options.kind === 'audio' ? tag.isAudio : tag.isVideo;
    if (isCounted) this.#frames += 1;
    return true;
  }

  /** The limit that is reached, if any. */
  get reached(): RecordingEnd | undefined {
    const { sizeMaxBytes, framesMax, durationMaxMs, intervalMs } = this.#options.limits;
    const isOver = (value: number, max: number): boolean => max > 0 && value >= max;
    if (isOver(this.#file.bytes, sizeMaxBytes)) return 'size-limit';
    if (isOver(this.#frames, framesMax)) return 'frame-limit';
    if (isOver(this.#durationMs - this.#offsetMs, durationMaxMs)) return 'time-limit';
    return isOver(this.#durationMs - this.#offsetMs, intervalMs) ? 'interval' : undefined;
  }

  /** @returns false when the file could not be completed */
  close(): Promise<boolean> {
    const { video } = this.#options.stream.info;
    const { width = 0, height = 0, fps = 0 } = this.#hasVideo ? (video ?? {}) : {};
    const [hasVideo, hasAudio, durationMs] = [this.#hasVideo, this.#hasAudio, this.#durationMs];
    return this.#file.close({ durationMs, hasVideo, hasAudio, width, height, fps });
  }
}

function isOfKind(tag: FlvTag, kind: RecordingKind): boolean {
  if (kind === 'all') return tag.isVideo || tag.isAudio;
  if (kind === 'audio') return tag.isAudio;
  if (kind === 'video') return tag.isVideo;
  return tag.isVideo && (tag.isKeyFrame || tag.isSequenceHeader);
}
