// Splits an FLV byte stream, in pieces of any size, into tags. For output of our own ffmpeg.
import { FLV_AUDIO, FLV_SCRIPT, FLV_VIDEO, FlvTag } from './flv.js';
import { ProtocolError } from './protocol-error.js';

const FILE_HEADER_BYTES = 13;
const TAG_HEADER_BYTES = 11;
const TRAILER_BYTES = 4;

export class FlvReader {
  readonly #onTag: (tag: FlvTag) => void;
  #bytes: Buffer = Buffer.alloc(0);
  #isBegun = false;

  constructor(onTag: (tag: FlvTag) => void) {
    this.#onTag = onTag;
  }

  /** @throws ProtocolError when it is no FLV */
  push(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    if (!this.#isBegun) {
      if (this.#bytes.length < FILE_HEADER_BYTES) return;
      if (this.#bytes.toString('latin1', 0, 3) !== 'FLV') throw malformed('no FLV header');
      this.#bytes = this.#bytes.subarray(FILE_HEADER_BYTES);
      this.#isBegun = true;
    }
    for (let next = this.#next(); next !== undefined; next = this.#next()) this.#onTag(next);
  }

  #next(): FlvTag | undefined {
    const bytes = this.#bytes;
    if (bytes.length < TAG_HEADER_BYTES) return undefined;
    const end = TAG_HEADER_BYTES + bytes.readUIntBE(1, 3);
    if (bytes.length < end + TRAILER_BYTES) return undefined;
    const type = bytes[0];
    if (type !== FLV_AUDIO && type !== FLV_VIDEO && type !== FLV_SCRIPT) {
      throw malformed(`FLV tag type ${type ?? -1}`);
    }
    const timestampMs = bytes.readUIntBE(4, 3) + (bytes[7] ?? 0) * 2 ** 24;
    // A copy: tags are kept for longer than the piece that they came in.
    const payload = Buffer.from(bytes.subarray(TAG_HEADER_BYTES, end));
    this.#bytes = bytes.subarray(end + TRAILER_BYTES);
    return new FlvTag(type, timestampMs, payload);
  }
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('MESSAGE_MALFORMED', what);
}
