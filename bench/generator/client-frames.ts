// What a WebSocket client sends: the upgrade request and masked frames (RFC 6455 sections 4.1 and
// 5.3).
import { createHash, randomBytes } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export interface UpgradeRequest {
  readonly text: string;
  /** Sec-WebSocket-Accept that the server must answer. */
  readonly accept: string;
}

export function upgradeRequest(options: {
  readonly host: string;
  readonly path: string;
  readonly offer: readonly string[];
}): UpgradeRequest {
  const key = randomBytes(16).toString('base64');
  const lines = [
    `GET ${options.path} HTTP/1.1`,
    `Host: ${options.host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
    ...(options.offer.length === 0 ? [] : [`Sec-WebSocket-Protocol: ${options.offer.join(', ')}`]),
  ];
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  return { text: `${lines.join('\r\n')}\r\n\r\n`, accept };
}

export const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One final frame with a zero mask: valid, and spares the generator the XOR. */
export function clientFrame(opcode: number, payload: Uint8Array | string): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const isLong = body.length > 125;
  if (body.length > 0xffff) throw new RangeError('a client frame of the bench is at most 64 KB');
  const frame = Buffer.alloc((isLong ? 8 : 6) + body.length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (isLong ? 126 : body.length);
  if (isLong) frame.writeUInt16BE(body.length, 2);
  frame.set(body, isLong ? 8 : 6);
  return frame;
}
