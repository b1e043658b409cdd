// Signed HLS path prefixes: /h/<exp>.<sid>.<mac>/<streamId>/… The prefix covers playlists and
// segments alike, so that a cache can verify it and strip it from its key. Web and rtmp sign, rtmp
// verifies.
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface HlsGrant {
  readonly streamId: string;
  /** Billing session id, or `free-<viewer>` where nothing is charged. */
  readonly sid: string;
  /** Unix seconds at which the prefix ends. */
  readonly exp: number;
}

/**
 * `expired` keeps the authentic grant, so that a playlist can be renewed for a session still
 * allowed.
 */
export type HlsVerdict =
  | { readonly ok: true; readonly grant: HlsGrant }
  | { readonly ok: false; readonly reason: 'expired'; readonly grant: HlsGrant }
  | { readonly ok: false; readonly reason: 'malformed' | 'forged' };

const SID = /^[A-Za-z0-9:_-]{1,80}$/;
const STREAM_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** 22 base64url characters carry 132 of the 256 bits. */
const MAC_LENGTH = 22;

/** `/h/<exp>.<sid>.<mac>/<streamId>`, without a trailing slash. */
export function signHlsPath(grant: HlsGrant, secret: string): string {
  return `/h/${grant.exp}.${grant.sid}.${mac(grant, secret)}/${grant.streamId}`;
}

/** Verifies the first two path parts after `/h/`. Timing-safe; never throws. */
export function verifyHlsPath(
  parts: { readonly prefix: string; readonly streamId: string },
  secret: string,
  nowSec: number,
): HlsVerdict {
  const match = /^(\d{1,12})\.([^./]+)\.([A-Za-z0-9_-]+)$/.exec(parts.prefix);
  const [, exp = '', sid = '', given = ''] = match ?? [];
  if (match === null || !SID.test(sid) || !STREAM_ID.test(parts.streamId)) {
    return { ok: false, reason: 'malformed' };
  }
  const grant: HlsGrant = { streamId: parts.streamId, sid, exp: Number(exp) };
  const wanted = Buffer.from(mac(grant, secret));
  const actual = Buffer.from(given);
  if (actual.length !== wanted.length || !timingSafeEqual(actual, wanted)) {
    return { ok: false, reason: 'forged' };
  }
  return grant.exp > nowSec ? { ok: true, grant } : { ok: false, reason: 'expired', grant };
}

function mac({ streamId, sid, exp }: HlsGrant, secret: string): string {
  return createHmac('sha256', secret)
    .update(`hls\n${streamId}\n${exp}\n${sid}`)
    .digest('base64url')
    .slice(0, MAC_LENGTH);
}
