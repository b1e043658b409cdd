// Reads the headers of a server's WebSocket frames (RFC 6455 section 5.2) and counts their payload
// without looking at it: a reader costs little more than its read call. Payload is gathered only
// when asked for.

export interface FrameListener {
  /** A whole frame, while `isGathering`. The payload is the listener's to keep. */
  onFrame(opcode: number, payload: Buffer): void;
  /** A ping, close or pong; its payload is not gathered. */
  onControl(opcode: number): void;
}

const EXTENDED_16 = 126;
const EXTENDED_64 = 127;
const HEAD_MAX = 10;
/** Data frames shorter than this are heartbeats of the peers' own protocols. */
export const MESSAGE_BYTES_MIN = 8;

export class FrameScanner {
  /** Payload bytes of data frames of at least MESSAGE_BYTES_MIN. */
  bytes = 0;
  frames = 0;
  isGathering = true;
  private left = 0;
  private opcode = 0;
  private parts: Buffer[] = [];
  private readonly head = Buffer.alloc(HEAD_MAX);
  private headFill = 0;

  constructor(private readonly listener: FrameListener) {}

  push(data: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to) {
      if (this.left > 0) {
        const end = Math.min(to, at + this.left);
        if (this.isGathering) this.parts.push(Buffer.from(data.subarray(at, end)));
        this.left -= end - at;
        at = end;
        if (this.left === 0) this.endFrame();
      } else if (this.headFill > 0 || to - at < HEAD_MAX) {
        at = this.takeSplitHead(data, at, to);
      } else {
        at += this.beginFrame(data, at);
      }
    }
  }

  /** A header that may be cut by the end of the chunk: collected byte by byte. */
  private takeSplitHead(data: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      this.head[this.headFill] = data[at] ?? 0;
      this.headFill += 1;
      at += 1;
      if (this.headFill >= 2 && this.headFill === headSize(this.head[1] ?? 0)) {
        this.headFill = 0;
        this.beginFrame(this.head, 0);
        return at;
      }
    }
    return at;
  }

  /** Returns the size of the header. */
  private beginFrame(data: Buffer, at: number): number {
    const code = (data[at + 1] ?? 0) & 0x7f;
    const size = headSize(code);
    this.opcode = (data[at] ?? 0) & 0x0f;
    if (code < EXTENDED_16) this.left = code;
    else if (code === EXTENDED_16) this.left = data.readUInt16BE(at + 2);
    else this.left = data.readUInt32BE(at + 2) * 2 ** 32 + data.readUInt32BE(at + 6);
    if (this.opcode < 8 && this.left >= MESSAGE_BYTES_MIN) {
      this.bytes += this.left;
      this.frames += 1;
    }
    if (this.left === 0) this.endFrame();
    return size;
  }

  private endFrame(): void {
    if (this.opcode >= 8) {
      this.parts = [];
      this.listener.onControl(this.opcode);
    } else if (this.isGathering) {
      const payload = Buffer.concat(this.parts);
      this.parts = [];
      this.listener.onFrame(this.opcode, payload);
    }
  }
}

function headSize(second: number): number {
  const code = second & 0x7f;
  if (code < EXTENDED_16) return 2;
  return code === EXTENDED_64 ? 10 : 4;
}
