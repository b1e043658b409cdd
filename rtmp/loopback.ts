// Two connected ends of a byte stream within this process: a publisher that is not an RTMP peer
// goes through the same session, with the same rules, as one that is. Back pressure holds.
import { Duplex } from 'node:stream';

type WriteDone = (error?: Error | null) => void;

/** A net.Socket, or an end of a loopback. */
export interface ByteSocket extends Duplex {
  setNoDelay(isOn: boolean): unknown;
  setKeepAlive(isOn: boolean, delayMs: number): unknown;
}

class LoopbackEnd extends Duplex implements ByteSocket {
  peer: LoopbackEnd | undefined;
  /** The other end's write, held until this end is read. */
  #held: WriteDone | undefined;

  constructor() {
    super({ allowHalfOpen: false });
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    this.#release();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: WriteDone): void {
    const { peer } = this;
    if (peer === undefined || peer.destroyed) done(new Error('the other end is gone'));
    else peer.#take(bytes, done);
  }

  override _final(done: WriteDone): void {
    if (this.peer?.destroyed === false) this.peer.push(null);
    done();
  }

  /** As a socket that is closed: the other end reads what it has, then closes. */
  override _destroy(error: Error | null, done: WriteDone): void {
    this.#release();
    const { peer } = this;
    if (peer !== undefined) setImmediate(() => peer.destroy());
    done(error);
  }

  #take(bytes: Buffer, done: WriteDone): void {
    if (this.push(bytes)) done();
    else this.#held = done;
  }

  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.();
  }
}

export function createLoopback(): readonly [ByteSocket, ByteSocket] {
  const [near, far] = [new LoopbackEnd(), new LoopbackEnd()];
  near.peer = far;
  far.peer = near;
  return [near, far];
}
