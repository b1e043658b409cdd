// Joins encoded pushes into frames of one encoding. One copy per flush, whatever the number of
// readers.
import type { Frame } from './protocol/index.js';

/**
 * Just under uWebSockets' cork buffer of 16 KiB: a larger frame costs each socket a second write.
 */
export const FRAME_BYTES = 16_000;

/**
 * Concatenates MessagePack values into frames of at most FRAME_BYTES, unless one value is larger.
 */
export function joinBinary(values: readonly Buffer[]): Buffer[] {
  const [only] = values;
  if (values.length === 1 && only !== undefined) return [only];
  return group(values, (value) => value.length).map((part) => Buffer.concat(part));
}

/** The same for JSON values; sizes are counted in UTF-16 units. */
export function joinJson(values: readonly string[]): string[] {
  return group(values, (value) => value.length + 1).map((part) => `[${part.join(',')}]`);
}

function group<T>(values: readonly T[], size: (value: T) => number): T[][] {
  const groups: T[][] = [];
  let current: T[] = [];
  let bytes = 0;
  for (const value of values) {
    const more = size(value);
    if (current.length > 0 && bytes + more > FRAME_BYTES) {
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
