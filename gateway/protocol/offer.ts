// What a client offers as sub-protocols (RFC 6455, section 4.1): its encoding and, in the same
// header, its first frame. A frame that comes with the handshake spares the client a round trip and
// the server two system calls; browsers can send nothing else there, and a header is not logged as
// an address is.
import { subprotocols, type Frame, type Subprotocol } from './codec.js';
import { limits } from './limits.js';

export interface Offer {
  readonly protocol: Subprotocol;
  /** Base64url of the client's first frame; undefined = it comes by itself, after the handshake. */
  readonly first: string | undefined;
}

const FIRST = 'first.';

/** Reads a `Sec-WebSocket-Protocol` list; undefined = there is nothing that we speak. */
export function readOffer(offered: string): Offer | undefined {
  const [preferred, other] = subprotocols;
  let protocol: Subprotocol | undefined;
  let first: string | undefined;
  for (let at = 0; at <= offered.length;) {
    const comma = offered.indexOf(',', at);
    const end = comma < 0 ? offered.length : comma;
    const name = offered.slice(at, end).trim();
    if (name.startsWith(FIRST)) first ??= name.slice(FIRST.length);
    else if (name === preferred || (name === other && protocol === undefined)) protocol = name;
    at = end + 1;
  }
  return protocol === undefined ? undefined : { protocol, first };
}

/** The list for a client; without the frame when that is too large for a header. */
export function offerOf(protocol: Subprotocol, first: Frame): string[] {
  const bytes = typeof first === 'string' ? new TextEncoder().encode(first) : first;
  if (bytes.length > limits.firstFrameBytesMax) return [protocol];
  const text = btoa(String.fromCharCode(...bytes));
  const token = text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return [protocol, `${FIRST}${token}`];
}
