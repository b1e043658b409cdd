// Addresses of live video: signed, short-lived, on the node that has the stream. Used by entry.
import { signHlsPath, type Clock } from '../../cluster/index.js';
import type { LiveStream } from '../ports.js';

export interface HlsSigner {
  /**
   * @param sid billing session, or `free-<viewer>`.
   * @param siteHost host name (no port) under which the browser reached us.
   */
  sign(stream: LiveStream, sid: string, siteHost: string): string;
}

export function createHlsSigner(options: {
  secret: string;
  ttlSec: number;
  clock: Clock;
  /** One address for all HLS servers; empty = what each node registered. */
  publicUrl: string;
}): HlsSigner {
  const { secret, ttlSec, clock, publicUrl } = options;
  return {
    sign(stream, sid, siteHost) {
      const exp = Math.floor(clock.nowMs() / 1_000) + ttlSec;
      const path = signHlsPath({ streamId: stream.streamId, sid, exp }, secret);
      const base = publicUrl === '' ? stream.hlsUrlBase : publicUrl;
      return `${withHost(base, siteHost)}${path}/master.m3u8`;
    },
  };
}

/** Puts the site's host into an address without one: `http://:8082` → `http://<host>:8082`. */
export function withHost(base: string, siteHost: string): string {
  return base.replace(/\/$/, '').replace(/^(\w+:\/\/)(?=:\d|$)/, `$1${siteHost}`);
}
