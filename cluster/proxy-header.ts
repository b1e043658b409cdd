// The PROXY protocol header that a load balancer puts before the first byte of a connection:
// versions 1 (text) and 2 (binary). Pure: bytes in, source address and the rest out.
// Reference: haproxy proxy-protocol.txt, 2.1 and 2.2.

import { isIP } from 'node:net';

export interface ProxyHeader {
  /** Address and port of the client; undefined for the balancer's own checks (LOCAL, UNKNOWN). */
  readonly source: { readonly address: string; readonly port: number } | undefined;
  /** What came behind the header. */
  readonly rest: Buffer;
}

const V1_START = Buffer.from('PROXY ', 'latin1');
const V1_BYTES_MAX = 107;
const V2_SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const V2_HEADER_BYTES = 16;
const V2_ADDRESS_BYTES_MAX = 2_048;
const FAMILY_IPV4 = 1;
const FAMILY_IPV6 = 2;

/** What a peer sent instead of a header, in words. */
export class ProxyHeaderError extends Error {
  override readonly name = 'ProxyHeaderError';
}

/** False as soon as `data`, the first bytes of a connection, cannot be the start of a header. */
export function mayBeProxyHeader(data: Buffer): boolean {
  return startsLike(data, V2_SIGNATURE) || startsLike(data, V1_START);
}

/**
 * Reads a header from the first bytes of a connection; undefined while more are needed.
 * @throws ProxyHeaderError when there is none, or it is broken
 */
export function parseProxyHeader(data: Buffer): ProxyHeader | undefined {
  if (startsLike(data, V2_SIGNATURE)) return parseBinary(data);
  if (startsLike(data, V1_START)) return parseText(data);
  throw new ProxyHeaderError('no PROXY header');
}

/** True while `data` agrees with `start` as far as it goes. */
function startsLike(data: Buffer, start: Buffer): boolean {
  const length = Math.min(data.length, start.length);
  return data.subarray(0, length).equals(start.subarray(0, length));
}

function parseText(data: Buffer): ProxyHeader | undefined {
  const end = data.indexOf('\r\n');
  if (end < 0 && data.length < V1_BYTES_MAX) return undefined;
  if (end < 0 || end + 2 > V1_BYTES_MAX) {
    throw new ProxyHeaderError('PROXY header without an end');
  }
  const [, family, address = '', , port = ''] = data.toString('latin1', 0, end).split(' ');
  const rest = data.subarray(end + 2);
  if (family === 'UNKNOWN') return { source: undefined, rest };
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : -1;
  if (isIP(address) !== version || !/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new ProxyHeaderError('PROXY header with an odd address');
  }
  return { source: { address, port: Number(port) }, rest };
}

function parseBinary(data: Buffer): ProxyHeader | undefined {
  if (data.length < V2_HEADER_BYTES) return undefined;
  const versionAndCommand = data.readUInt8(12);
  const family = data.readUInt8(13) >> 4;
  const length = data.readUInt16BE(14);
  if (versionAndCommand >> 4 !== 2 || length > V2_ADDRESS_BYTES_MAX) {
    throw new ProxyHeaderError('PROXY header of another version');
  }
  if (data.length < V2_HEADER_BYTES + length) return undefined;
  const addresses = data.subarray(V2_HEADER_BYTES, V2_HEADER_BYTES + length);
  const rest = data.subarray(V2_HEADER_BYTES + length);
  const isLocal = (versionAndCommand & 0x0f) === 0;
  if (isLocal) return { source: undefined, rest };
  if (family === FAMILY_IPV4 && length >= 12) {
    const address = [...addresses.subarray(0, 4)].join('.');
    return { source: { address, port: addresses.readUInt16BE(8) }, rest };
  }
  if (family === FAMILY_IPV6 && length >= 36) {
    const groups = Array.from({ length: 8 }, (_, i) => addresses.readUInt16BE(i * 2).toString(16));
    return { source: { address: groups.join(':'), port: addresses.readUInt16BE(32) }, rest };
  }
  return { source: undefined, rest };
}
