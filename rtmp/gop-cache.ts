// What a late joiner needs before live tags: metadata, decoder configurations and the pictures
// since the last key frame. Owned by a PublishedStream. Bounded three ways, because a source
// without key frames, or with huge ones, must not fill the memory.

import type { FlvTag } from './protocol/flv.js';
import { FLV_SCRIPT, timestampDiff } from './protocol/flv.js';

export interface GopLimits {
  readonly bytesMax: number;
  readonly framesMax: number;
  readonly spanMsMax: number;
}

export class GopCache {
  readonly #limits: GopLimits;
  #metadata: FlvTag | undefined;
  #videoHeader: FlvTag | undefined;
  #audioHeader: FlvTag | undefined;
  #frames: FlvTag[] = [];
  #bytes = 0;

  constructor(limits: GopLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The newest picture that decodes alone, for thumbnails; undefined when the cache is empty. */
  get keyFrame(): FlvTag | undefined {
    return this.#frames[0];
  }

  /** Configuration first, then the cached pictures and sound in order. */
  snapshot(): FlvTag[] {
    const head = [this.#metadata, this.#videoHeader, this.#audioHeader];
    return [...head.filter((tag): tag is FlvTag => tag !== undefined), ...this.#frames];
  }

  push(tag: FlvTag): void {
    if (tag.type === FLV_SCRIPT) {
      this.#metadata = tag;
    } else if (tag.isSequenceHeader) {
      // Pictures of the old configuration would be decoded with the new one.
      if (tag.isVideo && this.#videoHeader?.payload.equals(tag.payload) === false) this.#clear();
      if (tag.isVideo) this.#videoHeader = tag;
      else this.#audioHeader = tag;
    } else {
      this.#pushFrame(tag);
    }
  }

  #pushFrame(tag: FlvTag): void {
    if (tag.isKeyFrame) this.#clear();
    const first = this.#frames[0] ?? tag;
    if (this.#frames.length === 0 && !tag.isKeyFrame) return;
    const { bytesMax, framesMax, spanMsMax } = this.#limits;
    const isOver =
      this.#bytes + tag.payload.length > bytesMax ||
      this.#frames.length >= framesMax ||
      timestampDiff(tag.timestampMs, first.timestampMs) > spanMsMax;
    if (isOver) {
      this.#clear();
      return;
    }
    this.#frames.push(tag);
    this.#bytes += tag.payload.length;
  }

  #clear(): void {
    this.#frames = [];
    this.#bytes = 0;
  }
}
