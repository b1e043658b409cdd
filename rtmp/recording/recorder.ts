// Records one stream with one recorder: decides where files begin and end. Used by Recordings, one
// per stream and recorder.
// Invariants: a file begins with the decoder configuration and, where there are pictures, with a
// key frame; whatever happens to a file, the stream does not notice; each begun take is ended once.
import type { FlvSink, LiveStream } from '../live-stream.js';
import { FLV_AUDIO, FLV_SCRIPT, FLV_VIDEO, type FlvTag } from '../protocol/flv.js';
import type { RecorderSpec, RecordingEnd } from './recording.js';

/** A file that is being written, as the recorder sees it. */
export interface OpenTake {
  readonly path: string;
  readonly reached: RecordingEnd | undefined;
  write(tag: FlvTag): boolean;
  end(end: RecordingEnd): void;
}

export interface RecorderOptions {
  readonly stream: LiveStream;
  readonly spec: RecorderSpec;
  /** Undefined when no file can be opened: the recorder is over then. */
  readonly begin: (onFailure: (end: RecordingEnd) => void) => OpenTake | undefined;
  readonly onOver: () => void;
}

export class Recorder implements FlvSink {
  readonly spec: RecorderSpec;
  readonly #options: RecorderOptions;
  readonly #headers = new Map<number, FlvTag>();
  #take: OpenTake | undefined;
  #isOver = false;
  #unsubscribe: (() => void) | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.spec = options.spec;
  }

  /** Absolute path of the file being written; undefined before the first one. */
  get path(): string | undefined {
    return this.#take?.path;
  }

  start(): void {
    const unsubscribe = this.#options.stream.subscribe(this);
    // It may be over already: the cached pictures alone can reach a limit.
    if (this.#isOver) unsubscribe();
    else this.#unsubscribe = unsubscribe;
  }

  /** Idempotent. */
  stop(end: RecordingEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unsubscribe?.();
    this.#endTake(end);
    this.#options.onOver();
  }

  header(): void {
    // Each file writes its own head.
  }

  tag(tag: FlvTag): boolean {
    if (this.#isOver || tag.type === FLV_SCRIPT) return true;
    if (tag.isSequenceHeader) return this.#configure(tag);
    const isDue = this.#take?.reached !== undefined;
    if ((this.#take === undefined || isDue) && this.#canBeginWith(tag)) this.#beginTake();
    if (this.#take === undefined) return true;
    const isTaken = this.#take.write(tag);
    const { reached } = this.#take;
    if (reached !== undefined && reached !== 'interval') this.stop(reached);
    return isTaken;
  }

  end(): void {
    this.stop('stream-ended');
  }

  /** Players and MP4 files keep to the first configuration of a file: another one begins a file. */
  #configure(tag: FlvTag): boolean {
    const before = this.#headers.get(tag.type);
    this.#headers.set(tag.type, tag);
    if (before === undefined) this.#take?.write(tag);
    else if (!before.payload.equals(tag.payload)) this.#endTake('configuration');
    return true;
  }

  #canBeginWith(tag: FlvTag): boolean {
    const wantsPictures = this.spec.kind !== 'audio' && this.#headers.has(FLV_VIDEO);
    if (wantsPictures) return tag.isKeyFrame;
    return tag.isAudio && (this.spec.kind === 'audio' || this.spec.kind === 'all');
  }

  #beginTake(): void {
    this.#endTake('interval');
    this.#take = this.#options.begin((end) => this.stop(end));
    if (this.#take === undefined) {
      this.stop('write-failed');
      return;
    }
    for (const type of [FLV_VIDEO, FLV_AUDIO]) {
      const header = this.#headers.get(type);
      if (header !== undefined) this.#take.write(header);
    }
  }

  #endTake(end: RecordingEnd): void {
    const take = this.#take;
    this.#take = undefined;
    take?.end(end);
  }
}
