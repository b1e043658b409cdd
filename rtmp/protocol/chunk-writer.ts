// Messages to chunks. Every message is written with a full (type 0) header, so the bytes depend on
// nothing sent before: one encoded buffer serves all players of a stream.
// Reference: Adobe RTMP 1.0, 5.3.

import type { RtmpMessage } from './message.js';
import { MSG_SET_CHUNK_SIZE } from './message.js';

/** Chunk size that both sides start with (5.4.1). */
export const CHUNK_SIZE_DEFAULT = 128;
const EXTENDED = 0xffffff;
const FULL_HEADER_BYTES = 11;

/**
 * One message as chunks on chunk stream `csid` (2–65,599), cut at `chunkSize` bytes.
 * Cost: one copy of the payload.
 */
export function encodeChunks(csid: number, message: RtmpMessage, chunkSize: number): Buffer {
  const { payload, timestampMs } = message;
  const isExtended = timestampMs >= EXTENDED;
  const basicBytes = csid < 64 ? 1 : csid < 320 ? 2 : 3;
  const extendedBytes = isExtended ? 4 : 0;
  const chunks = Math.max(1, Math.ceil(payload.length / chunkSize));
  const out = Buffer.allocUnsafe(
    chunks * (basicBytes + extendedBytes) + FULL_HEADER_BYTES + payload.length,
  );
  let at = writeBasicHeader(out, 0, 0, csid);
  out.writeUIntBE(isExtended ? EXTENDED : timestampMs, at, 3);
  out.writeUIntBE(payload.length, at + 3, 3);
  out[at + 6] = message.type;
  out.writeUInt32LE(message.streamId, at + 7);
  at += FULL_HEADER_BYTES;
  for (let from = 0; ;) {
    if (isExtended) at = out.writeUInt32BE(timestampMs, at);
    at += payload.copy(out, at, from, from + chunkSize);
    from += chunkSize;
    if (from >= payload.length) return out;
    at = writeBasicHeader(out, at, 3, csid);
  }
}

function writeBasicHeader(out: Buffer, at: number, format: number, csid: number): number {
  const top = format << 6;
  if (csid < 64) {
    out[at] = top | csid;
    return at + 1;
  }
  if (csid < 320) {
    out[at] = top;
    out[at + 1] = csid - 64;
    return at + 2;
  }
  out[at] = top | 1;
  return out.writeUInt16LE(csid - 64, at + 1);
}

/** Remembers the outgoing chunk size of one connection. */
export class ChunkWriter {
  #chunkSize = CHUNK_SIZE_DEFAULT;

  get chunkSize(): number {
    return this.#chunkSize;
  }

  encode(csid: number, message: RtmpMessage): Buffer {
    const out = encodeChunks(csid, message, this.#chunkSize);
    if (message.type === MSG_SET_CHUNK_SIZE) this.#chunkSize = message.payload.readUInt32BE(0);
    return out;
  }
}
