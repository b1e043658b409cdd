// Joins encoded pushes into frames of one encoding. One copy per flush, whatever the number of
// readers.
import type { Frame } from './protocol/index.js';

/**
 * Just under uWebSockets' cork buffer of 16 KiB: a larger frame costs each socket a second write.
 */
export const FRAME_BYTES = 16_000;

/**
 * One flush makes no more frames than this; they grow instead. uWebSockets holds 32 frames per
 * socket back until the end of the tick, and with one more it writes in the middle of a publish,
 * where a socket that overflows cannot leave the topic any more.
 */
const FRAMES_MAX = 8;

/**
 * Concatenates MessagePack values into frames of at most FRAME_BYTES, unless one value is larger
 * or there are too many.
 */
export function joinBinary(values: readonly Buffer[]): Buffer[] {
  const [only] = values;
  if (values.length === 1 && only !== undefined) return [only];
  return group(values, (value) => value.length).map((part) => Buffer.concat(part));
}

/** Most replies with a backlog fit; a buffer for each would cost more than the copy. */
const scratch = Buffer.allocUnsafeSlow(65_536);

/** One frame of all values, to be sent at once: the next call writes over it. */
export function joinForSend(values: readonly Uint8Array[]): Uint8Array {
  let at = 0;
  for (const value of values) {
    if (at + value.length > scratch.length) return Buffer.concat(values);
    scratch.set(value, at);
    at += value.length;
  }
  return scratch.subarray(0, at);
}

/** joinBinary for JSON values; sizes are counted in UTF-16 units. */
export function joinJson(values: readonly string[]): string[] {
  return group(values, (value) => value.length + 1).map((part) => `[${part.join(',')}]`);
}

function group<T>(values: readonly T[], size: (value: T) => number): T[][] {
  const total = values.reduce((sum, value) => sum + size(value), 0);
  const bytesMax = Math.max(FRAME_BYTES, Math.ceil(total / FRAMES_MAX));
  const groups: T[][] = [];
  let current: T[] = [];
  let bytes = 0;
  for (const value of values) {
    const more = size(value);
    if (current.length > 0 && bytes + more > bytesMax) {
      groups.push(current);
      current = [];
      bytes = 0;
    }
    current.push(value);
    bytes += more;
  }
  if (current.length > 0) groups.push(current);
  return groups;
}

export function frameBytes(frame: Frame): number {
  return typeof frame === 'string' ? Buffer.byteLength(frame) : frame.length;
}
