// Signatures of calls from one role to another: HMAC-SHA256 over time, method, path and body, with
// the secret that all roles share. Used by InternalClient and by every server with an internal API.
// Invariant: a call is believed for 60 s around its time and only as it was signed. Within that
// window it can be repeated by whoever saw it, so an internal API is idempotent and the network
// private.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { clusterError } from './errors.js';

/** Header names, lower case. */
export const TIME_HEADER = 'x-showbill-time';
export const SIGNATURE_HEADER = 'x-showbill-signature';

/** Clocks of hosts may differ by this much, and a call may be on its way this long. */
export const SIGNATURE_WINDOW_MS = 60_000;

export interface SignableRequest {
  /** Upper case. */
  readonly method: string;
  /** With the query, exactly as it stands in the request line. */
  readonly path: string;
  /** The bytes of the body; empty when there is none. */
  readonly body: Uint8Array | string;
}

/** The two headers of a call made at `nowMs`. */
export function signRequest(
  request: SignableRequest,
  options: { readonly secret: string; readonly nowMs: number },
): Record<typeof TIME_HEADER | typeof SIGNATURE_HEADER, string> {
  const time = String(Math.floor(options.nowMs));
  return { [TIME_HEADER]: time, [SIGNATURE_HEADER]: signatureOf(request, time, options.secret) };
}

/** What a server has received; `time` and `signature` are the headers, '' when missing. */
export interface SignedRequest extends SignableRequest {
  readonly time: string;
  readonly signature: string;
}

/**
 * Passes when the call was signed with the secret within the last or next 60 s. Timing-safe; about
 * 5 µs and the hash of the body. Fit for any server: uWS copies the two headers before its handler
 * returns.
 * @throws AppError INTERNAL_UNSIGNED (401) when a header is missing or malformed, INTERNAL_EXPIRED
 * (401) outside the window, INTERNAL_FORGED (401) when the signature does not fit.
 */
export function verifyRequest(
  request: SignedRequest,
  options: { readonly secret: string; readonly nowMs: number },
): void {
  if (!/^\d{1,15}$/.test(request.time) || !/^v1=[0-9a-f]{64}$/.test(request.signature)) {
    throw clusterError('INTERNAL_UNSIGNED');
  }
  const wanted = Buffer.from(signatureOf(request, request.time, options.secret));
  if (!timingSafeEqual(wanted, Buffer.from(request.signature))) {
    throw clusterError('INTERNAL_FORGED');
  }
  const ageMs = options.nowMs - Number(request.time);
  if (Math.abs(ageMs) > SIGNATURE_WINDOW_MS) throw clusterError('INTERNAL_EXPIRED', { ageMs });
}

/** The fields cannot run into each other: none but the last holds a line feed. */
function signatureOf(
  { method, path, body }: SignableRequest,
  time: string,
  secret: string,
): string {
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const mac = createHmac('sha256', secret).update(`v1\n${time}\n${method}\n${path}\n${bodyHash}`);
  return `v1=${mac.digest('hex')}`;
}
