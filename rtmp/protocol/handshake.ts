// Server and client side of the RTMP handshake, without a socket: bytes in, bytes out. The server
// answers a digest (Flash 9 "complex") handshake with a digest and everything else with the plain
// one.
// Reference: Adobe RTMP 1.0, 5.2; the digest scheme as librtmp and ffmpeg speak it.

import { createHmac, randomFillSync, timingSafeEqual } from 'node:crypto';
import { ProtocolError } from './protocol-error.js';

export const HANDSHAKE_BYTES = 1536;
export const RTMP_VERSION = 3;

const DIGEST_BYTES = 32;
/** Anything but zero in S1 promises a digest; the value is what Flash Media Server 4.5 sends. */
const SERVER_VERSION = Buffer.from([4, 5, 0, 1]);
const GENUINE_SUFFIX = Buffer.from(
  'f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae',
  'hex',
);
const CLIENT_KEY = Buffer.from('Genuine Adobe Flash Player 001', 'latin1');
const SERVER_KEY = Buffer.from('Genuine Adobe Flash Media Server 001', 'latin1');
const SERVER_KEY_FULL = Buffer.concat([SERVER_KEY, GENUINE_SUFFIX]);

/** Where the two known layouts keep the four bytes that give the digest's place. */
const DIGEST_LAYOUTS = [772, 8] as const;

export type HandshakeKind = 'plain' | 'digest';

/** Server side: feed bytes until `isDone`; what lies behind the handshake is in `rest`. */
export class ServerHandshake {
  #pending: Buffer = Buffer.alloc(0);
  #state: 'hello' | 'echo' | 'done' = 'hello';
  #kind: HandshakeKind = 'plain';

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** Known after the first answer. */
  get kind(): HandshakeKind {
    return this.#kind;
  }

  /** Bytes that came behind C2; empty until `isDone`. */
  get rest(): Buffer {
    return this.isDone ? this.#pending : Buffer.alloc(0);
  }

  /**
   * Takes bytes from the peer; returns what has to be written back, if anything.
   * @throws ProtocolError HANDSHAKE_VERSION for anything but plain RTMP
   */
  push(data: Buffer): Buffer | undefined {
    this.#pending = Buffer.concat([this.#pending, data]);
    let answer: Buffer | undefined;
    if (this.#state === 'hello' && this.#pending.length > 0) {
      const version = this.#pending[0];
      if (version !== RTMP_VERSION) {
        throw new ProtocolError('HANDSHAKE_VERSION', `RTMP version ${version ?? 0} is not spoken`);
      }
      if (this.#pending.length > HANDSHAKE_BYTES) {
        answer = this.#answer(this.#pending.subarray(1, 1 + HANDSHAKE_BYTES));
        this.#pending = this.#pending.subarray(1 + HANDSHAKE_BYTES);
        this.#state = 'echo';
      }
    }
    if (this.#state === 'echo' && this.#pending.length >= HANDSHAKE_BYTES) {
      // C2 is not compared with S1: several encoders in the field send anything here.
      this.#pending = Buffer.from(this.#pending.subarray(HANDSHAKE_BYTES));
      this.#state = 'done';
    }
    return answer;
  }

  #answer(c1: Buffer): Buffer {
    const s0 = Buffer.from([RTMP_VERSION]);
    const layout = c1.readUInt32BE(4) === 0 ? undefined : findDigest(c1, CLIENT_KEY);
    if (layout === undefined) {
      return Buffer.concat([s0, randomHello(Buffer.alloc(4)), c1]);
    }
    this.#kind = 'digest';
    const s1 = randomHello(SERVER_VERSION);
    signHello(s1, layout, SERVER_KEY);
    const s2 = randomFillSync(Buffer.alloc(HANDSHAKE_BYTES));
    const at = digestOffset(c1, layout);
    const key = hmac(SERVER_KEY_FULL, c1.subarray(at, at + DIGEST_BYTES));
    hmac(key, s2.subarray(0, HANDSHAKE_BYTES - DIGEST_BYTES)).copy(
      s2,
      HANDSHAKE_BYTES - DIGEST_BYTES,
    );
    return Buffer.concat([s0, s1, s2]);
  }
}

/** Client side of the plain handshake (with `digest`, C1 is signed like Flash Player's). */
export class ClientHandshake {
  #pending: Buffer = Buffer.alloc(0);
  #isDone = false;
  readonly #hello: Buffer;

  constructor(options: { digest?: boolean } = {}) {
    this.#hello = randomHello(
      options.digest === true ? Buffer.from([9, 0, 124, 2]) : Buffer.alloc(4),
    );
    if (options.digest === true) signHello(this.#hello, DIGEST_LAYOUTS[0], CLIENT_KEY);
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  get rest(): Buffer {
    return this.#isDone ? this.#pending : Buffer.alloc(0);
  }

  /** C0 and C1, to be sent first. */
  hello(): Buffer {
    return Buffer.concat([Buffer.from([RTMP_VERSION]), this.#hello]);
  }

  /** Takes bytes from the server; returns C2 once S0, S1 and S2 are complete. */
  push(data: Buffer): Buffer | undefined {
    this.#pending = Buffer.concat([this.#pending, data]);
    if (this.#isDone || this.#pending.length < 1 + 2 * HANDSHAKE_BYTES) return undefined;
    if (this.#pending[0] !== RTMP_VERSION) {
      throw new ProtocolError('HANDSHAKE_VERSION', 'the server does not speak RTMP version 3');
    }
    const s1 = Buffer.from(this.#pending.subarray(1, 1 + HANDSHAKE_BYTES));
    this.#pending = this.#pending.subarray(1 + 2 * HANDSHAKE_BYTES);
    this.#isDone = true;
    return s1;
  }
}

/** True when a server's S1 carries a valid digest. */
export function hasServerDigest(s1: Buffer): boolean {
  return findDigest(s1, SERVER_KEY) !== undefined;
}

function randomHello(version: Buffer): Buffer {
  const hello = randomFillSync(Buffer.alloc(HANDSHAKE_BYTES));
  hello.writeUInt32BE(0, 0);
  version.copy(hello, 4);
  return hello;
}

function digestOffset(hello: Buffer, layout: number): number {
  let sum = 0;
  for (let i = 0; i < 4; i++) sum += hello[layout + i] ?? 0;
  return (sum % 728) + layout + 4;
}

function digestOf(hello: Buffer, at: number, key: Buffer): Buffer {
  return createHmac('sha256', key)
    .update(hello.subarray(0, at))
    .update(hello.subarray(at + DIGEST_BYTES))
    .digest();
}

function findDigest(hello: Buffer, key: Buffer): number | undefined {
  return DIGEST_LAYOUTS.find((layout) => {
    const at = digestOffset(hello, layout);
    return timingSafeEqual(hello.subarray(at, at + DIGEST_BYTES), digestOf(hello, at, key));
  });
}

function signHello(hello: Buffer, layout: number, key: Buffer): void {
  const at = digestOffset(hello, layout);
  digestOf(hello, at, key).copy(hello, at);
}

function hmac(key: Buffer, data: Buffer): Buffer {
  return createHmac('sha256', key).update(data).digest();
}
