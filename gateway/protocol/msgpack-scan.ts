// Walks untrusted MessagePack without building anything, before msgpackr may see it: length, depth
// and types are known to be sound. Extensions are refused, since decoders give them meanings of
// their own.

export type ScanResult =
  { readonly ok: true; readonly items: number } | { readonly ok: false; readonly reason: string };

export interface ScanLimits {
  readonly depthMax: number;
  readonly itemsMax: number;
}

const bad = (reason: string): ScanResult => ({ ok: false, reason });

/** Bytes after the marker that hold a fixed-size scalar, by marker; -1 = not such a scalar. */
function scalarLength(marker: number): number {
  if (marker < 0x80 || marker >= 0xe0 || marker === 0xc0) return 0;
  switch (marker) {
    case 0xc2:
    case 0xc3:
      return 0;
    case 0xcc:
    case 0xd0:
      return 1;
    case 0xcd:
    case 0xd1:
      return 2;
    case 0xca:
    case 0xce:
    case 0xd2:
      return 4;
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return 8;
    default:
      return -1;
  }
}

/**
 * Size of the length field of strings, binaries, arrays and maps; 0 = the marker holds the length.
 */
function lengthBytes(marker: number): number {
  if (marker >= 0x80 && marker < 0xc0) return 0;
  switch (marker) {
    case 0xc4:
    case 0xd9:
      return 1;
    case 0xc5:
    case 0xda:
    case 0xdc:
    case 0xde:
      return 2;
    case 0xc6:
    case 0xdb:
    case 0xdd:
    case 0xdf:
      return 4;
    default:
      return -1;
  }
}

function readLength(data: Uint8Array, at: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i += 1) value = value * 256 + (data[at + i] ?? 0);
  return value;
}

const isString = (marker: number): boolean =>
  (marker >= 0xa0 && marker < 0xc0) || (marker >= 0xd9 && marker <= 0xdb);
const isArray = (marker: number): boolean =>
  (marker >= 0x90 && marker < 0xa0) || marker === 0xdc || marker === 0xdd;
const isMap = (marker: number): boolean =>
  (marker >= 0x80 && marker < 0x90) || marker === 0xde || marker === 0xdf;

/** Length or element count that a marker itself holds: fixmap, fixarray 4 bits, fixstr 5 bits. */
const inlineLength = (marker: number): number => (marker < 0xa0 ? marker & 0x0f : marker & 0x1f);

/** Checks that `data` is a sequence of whole values within the limits; linear, no recursion. */
export function scanMsgpack(data: Uint8Array, limits: ScanLimits): ScanResult {
  const left: number[] = []; // values still to come at each open level
  const keysAt: boolean[] = []; // whether the level is a map, whose even values are keys
  let items = 0;
  let at = 0;
  while (at < data.length) {
    const depth = left.length - 1;
    const isKey = depth >= 0 && keysAt[depth] === true && (left[depth] ?? 0) % 2 === 0;
    if (depth < 0 && (items += 1) > limits.itemsMax) return bad('too many values in one frame');
    const marker = data[at] ?? 0xc1;
    at += 1;
    if (isKey && !isString(marker)) return bad('map keys must be strings');
    if (depth >= 0) left[depth] = (left[depth] ?? 0) - 1;
    const scalar = scalarLength(marker);
    if (scalar >= 0) {
      at += scalar;
    } else {
      const sizeBytes = lengthBytes(marker);
      if (sizeBytes < 0) return bad(`type 0x${marker.toString(16)} is not allowed`);
      if (at + sizeBytes > data.length) return bad('the frame ends within a value');
      const size = sizeBytes === 0 ? inlineLength(marker) : readLength(data, at, sizeBytes);
      at += sizeBytes;
      if (isArray(marker) || isMap(marker)) {
        if (size > data.length) return bad('the frame ends within a value');
        if (left.length >= limits.depthMax) return bad('nested too deeply');
        left.push(isMap(marker) ? size * 2 : size);
        keysAt.push(isMap(marker));
      } else {
        at += size;
      }
    }
    while (left.length > 0 && left[left.length - 1] === 0) {
      left.pop();
      keysAt.pop();
    }
  }
  if (at > data.length || left.length > 0) return bad('the frame ends within a value');
  return { ok: true, items };
}
