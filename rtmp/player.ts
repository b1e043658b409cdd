// One RTMP player: writes the batches of its stream, and when the peer is too slow skips to a key
// frame; a peer that stays slow is closed. Memory per player is bounded by the queue limit and one
// batch, and queued buffers are shared with the other players.

import type { Clock } from '../cluster/index.js';
import type { RtmpConnection } from './connection.js';
import type { IngestMetrics } from './metrics.js';
import { FLV_SCRIPT, type FlvTag } from './protocol/flv.js';
import type { TagBatch } from './published-stream.js';
import type { StreamPlayer } from './streams.js';

export interface PlayerOptions {
  readonly connection: RtmpConnection;
  readonly clock: Clock;
  readonly metrics: IngestMetrics;
  readonly queueBytesMax: number;
  readonly stallMs: number;
  /** Too slow for too long. */
  readonly onStalled: () => void;
  readonly onEnded: (reason: string) => void;
}

export class Player implements StreamPlayer {
  readonly #options: PlayerOptions;
  /** The first burst may be larger than the limit; until it has left, it is allowed on top. */
  #burstBytes = 0;
  #skippingSinceMs: number | undefined;
  #hasVideo = false;
  #droppedTags = 0;
  #lastTimestampMs = 0;

  constructor(options: PlayerOptions) {
    this.#options = options;
  }

  get droppedTags(): number {
    return this.#droppedTags;
  }

  get lastTimestampMs(): number {
    return this.#lastTimestampMs;
  }

  /** Sends what the stream has cached. */
  start(burst: TagBatch): void {
    const { connection, queueBytesMax } = this.#options;
    this.#burstBytes = burst.bytes.length;
    connection.allowQueue(this.#burstBytes + 2 * queueBytesMax);
    this.#note(burst);
    connection.write(burst.bytes);
  }

  deliver(batch: TagBatch): void {
    const { connection, clock, queueBytesMax, stallMs } = this.#options;
    const queued = connection.queuedBytes;
    if (queued < queueBytesMax) this.#burstBytes = 0;
    this.#note(batch);
    if (this.#skippingSinceMs === undefined) {
      if (queued <= queueBytesMax + this.#burstBytes) {
        connection.write(batch.bytes);
        return;
      }
      this.#skippingSinceMs = clock.monotonicMs();
    }
    const isOverfull = queued > 4 * queueBytesMax + this.#burstBytes;
    if (isOverfull || clock.monotonicMs() - this.#skippingSinceMs > stallMs) {
      this.#options.onStalled();
      return;
    }
    for (const tag of batch.tags) this.#deliverSkipping(tag, batch.offsetMs, queued);
  }

  streamEnded(reason: string): void {
    this.#options.onEnded(reason);
  }

  /** Configuration always passes; media resumes at a key frame once half of the queue is free. */
  #deliverSkipping(tag: FlvTag, offsetMs: number, queued: number): void {
    const { connection, metrics, queueBytesMax } = this.#options;
    const isConfiguration = tag.isSequenceHeader || tag.type === FLV_SCRIPT;
    const canResume = this.#hasVideo ? tag.isKeyFrame : tag.isAudio;
    if (canResume && queued <= queueBytesMax / 2) this.#skippingSinceMs = undefined;
    if (isConfiguration || this.#skippingSinceMs === undefined) {
      connection.write(tag.chunks(offsetMs));
      return;
    }
    this.#droppedTags++;
    metrics.droppedTags.inc();
  }

  #note(batch: TagBatch): void {
    const last = batch.tags.at(-1);
    if (last !== undefined) this.#lastTimestampMs = (last.timestampMs + batch.offsetMs) >>> 0;
    this.#hasVideo ||= batch.tags.some((tag) => tag.isVideo);
  }
}
