// One accepted publish: measures it, caches its GOP and hands each tag to every reader. Implements
// LiveStream for the media pipeline; RTMP players get whole batches, so that one write serves all
// tags of a read. Invariant: after `end`, nothing is delivered and every reader was told.

import type { FlvSink, LiveStream } from './live-stream.js';
import { GopCache, type GopLimits } from './gop-cache.js';
import { parseData, encodeData, metadataMembers } from './protocol/commands.js';
import { FLV_SCRIPT, FlvTag, timestampDiff } from './protocol/flv.js';
import type { RtmpMessage } from './protocol/message.js';
import type { HookClientInfo } from './session-hooks.js';
import { StreamMeter } from './stream-info.js';

/** Step of player time between the last tag of one publisher and the first of the next. */
const TAKE_OVER_GAP_MS = 40;

/** Tags that arrived together, and their bytes for players, built once. */
export class TagBatch {
  readonly tags: readonly FlvTag[];
  readonly offsetMs: number;
  #bytes: Buffer | undefined;

  constructor(tags: readonly FlvTag[], offsetMs: number) {
    this.tags = tags;
    this.offsetMs = offsetMs;
  }

  get bytes(): Buffer {
    return (this.#bytes ??= joinChunks(this.tags, this.offsetMs));
  }
}

/** An RTMP player, as its stream sees it. */
export interface BatchReader {
  deliver(batch: TagBatch): void;
}

interface SinkState {
  readonly sink: FlvSink;
  isWaitingForKey: boolean;
}

export interface PublishedStreamOptions {
  readonly streamId: string;
  readonly sessionId: string;
  readonly startedAtMs: number;
  readonly client?: HookClientInfo;
  readonly isSameClock?: boolean;
  readonly nowMs: () => number;
  readonly gopLimits: GopLimits;
  /** Default 5,000 ms. */
  readonly rateWindowMs?: number;
  /** Ends the publisher's connection; the stream's own `end` follows from it. */
  readonly onKick: (reason: string) => void;
}

export class PublishedStream implements LiveStream {
  readonly streamId: string;
  readonly sessionId: string;
  readonly startedAtMs: number;
  readonly client?: HookClientInfo;
  readonly isSameClock: boolean;
  readonly info: StreamMeter;
  readonly #onKick: (reason: string) => void;
  readonly #gop: GopCache;
  readonly #sinks = new Set<SinkState>();
  readonly #readers = new Set<BatchReader>();
  #batch: FlvTag[] = [];
  /** Added to timestamps for players, so that their time goes on over a take-over. */
  #playerOffsetMs = 0;
  #continueFromMs: number | undefined;
  #lastTimestampMs = 0;
  #endReason: string | undefined;

  constructor(options: PublishedStreamOptions) {
    this.streamId = options.streamId;
    this.sessionId = options.sessionId;
    this.startedAtMs = options.startedAtMs;
    this.isSameClock = options.isSameClock === true;
    if (options.client !== undefined) this.client = options.client;
    this.info = new StreamMeter(options.nowMs, options.rateWindowMs ?? 5_000);
    this.#gop = new GopCache(options.gopLimits);
    this.#onKick = options.onKick;
  }

  /** Timestamp of the newest audio or video, ms. */
  get lastTimestampMs(): number {
    return this.#lastTimestampMs;
  }

  /** The same as players have seen it. */
  get playerTimestampMs(): number {
    return (this.#lastTimestampMs + this.#playerOffsetMs) >>> 0;
  }

  /** Players that have seen time run to `timestampMs` go on from there with the first tag. */
  continueFrom(timestampMs: number): void {
    this.#continueFromMs = timestampMs;
  }

  /** Payload bytes held for late joiners. */
  get cachedBytes(): number {
    return this.#gop.bytes;
  }

  get readerCount(): number {
    return this.#readers.size;
  }

  /** The newest key frame with its configuration, for thumbnails. */
  get keyFrame(): FlvTag | undefined {
    return this.#gop.keyFrame;
  }

  kick(reason: string): void {
    if (this.#endReason === undefined) this.#onKick(reason);
  }

  subscribe(sink: FlvSink): () => void {
    if (this.#endReason !== undefined) {
      sink.end(this.#endReason);
      return () => undefined;
    }
    const state: SinkState = { sink, isWaitingForKey: false };
    sink.header();
    for (const tag of this.#gop.snapshot()) this.#offer(state, tag);
    this.#sinks.add(state);
    return () => void this.#sinks.delete(state);
  }

  /** Adds an RTMP player; returns the burst it has to send first. */
  attach(reader: BatchReader): TagBatch {
    this.flush();
    this.#readers.add(reader);
    return new TagBatch(this.#gop.snapshot(), this.#playerOffsetMs);
  }

  detach(reader: BatchReader): void {
    this.#readers.delete(reader);
  }

  /**
   * Takes metadata from the publisher. Data messages other than onMetaData are passed on unchanged.
   * @throws ProtocolError when the message is malformed
   */
  pushData(message: RtmpMessage): void {
    const data = parseData(message);
    const members = metadataMembers(data);
    if (members !== undefined) this.info.describe(members);
    const tag = new FlvTag(FLV_SCRIPT, message.timestampMs, encodeData(data));
    if (data.name === 'onMetaData') this.#gop.push(tag);
    this.#spread(tag);
  }

  pushMedia(tag: FlvTag): void {
    if (this.#continueFromMs !== undefined) {
      this.#playerOffsetMs = timestampDiff(
        this.#continueFromMs + TAKE_OVER_GAP_MS,
        tag.timestampMs,
      );
      this.#continueFromMs = undefined;
    }
    this.#lastTimestampMs = tag.timestampMs;
    this.info.observe(tag);
    this.#gop.push(tag);
    this.#spread(tag);
  }

  /** Begins with what late joiners of another stream get: its publisher goes on here. */
  continueMedia(from: PublishedStream): void {
    this.info.describe(from.info.metadata);
    for (const tag of from.#gop.snapshot()) {
      if (tag.type === FLV_SCRIPT) this.#gop.push(tag);
      else this.pushMedia(tag);
    }
  }

  /** Ends a batch: players get all tags since the last flush in one write. */
  flush(): void {
    if (this.#batch.length === 0) return;
    const batch = new TagBatch(this.#batch, this.#playerOffsetMs);
    this.#batch = [];
    for (const reader of this.#readers) reader.deliver(batch);
  }

  /** The publisher is gone. Sinks are told here, players by whoever owns their slot. */
  end(reason: string): void {
    if (this.#endReason !== undefined) return;
    this.flush();
    this.#endReason = reason;
    const sinks = [...this.#sinks];
    this.#sinks.clear();
    this.#readers.clear();
    for (const { sink } of sinks) sink.end(reason);
  }

  #spread(tag: FlvTag): void {
    for (const state of this.#sinks) this.#offer(state, tag);
    if (this.#readers.size > 0) this.#batch.push(tag);
  }

  #offer(state: SinkState, tag: FlvTag): void {
    const isConfiguration = tag.isSequenceHeader || tag.type === FLV_SCRIPT;
    if (state.isWaitingForKey && !isConfiguration) {
      const canResume = this.info.video === undefined ? tag.isAudio : tag.isKeyFrame;
      if (!canResume) return;
      state.isWaitingForKey = false;
    }
    if (!state.sink.tag(tag)) state.isWaitingForKey = true;
  }
}

function joinChunks(tags: readonly FlvTag[], offsetMs: number): Buffer {
  const [first] = tags;
  if (first !== undefined && tags.length === 1) return first.chunks(offsetMs);
  return Buffer.concat(tags.map((tag) => tag.chunks(offsetMs)));
}
