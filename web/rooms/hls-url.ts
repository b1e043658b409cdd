// Addresses of live video: signed, short-lived, on the node that has the stream. Used by entry.
import { signHlsPath, type Clock } from '../../cluster/index.js';
import type { LiveStream, Recording } from '../ports.js';

export interface HlsSigner {
  /**
   * @param sid billing session, or `free-<viewer>`.
   * @param siteHost host name (no port) under which the browser reached us.
   */
  sign(stream: LiveStream, sid: string, siteHost: string): string;
  /**
   * The newest picture; undefined while there is none. The address stays the same for half a
   * minute unless the picture changes, so that browsers keep it.
   */
  preview(stream: LiveStream, siteHost: string): string | undefined;
  /** A recording as a file on its node. @param sid that opens nothing else */
  recording(recording: Recording, sid: string, siteHost: string): string;
}

/** Pictures are opened late: a list may have been on the screen for a while. */
const PREVIEW_TTL_SEC = 300;
const PREVIEW_STEP_SEC = 30;

export function createHlsSigner(options: {
  secret: string;
  ttlSec: number;
  clock: Clock;
  /** One address for all HLS servers; empty = what each node registered. */
  publicUrl: string;
  /** Session of paths that open nothing but the picture. */
  previewSid: string;
}): HlsSigner {
  const { secret, ttlSec, clock, publicUrl, previewSid } = options;
  const hostOf = (stream: Pick<LiveStream, 'hlsUrlBase'>, siteHost: string): string =>
    withHost(publicUrl === '' ? stream.hlsUrlBase : publicUrl, siteHost);
  return {
    sign(stream, sid, siteHost) {
      const exp = Math.floor(clock.nowMs() / 1_000) + ttlSec;
      const path = signHlsPath({ streamId: stream.streamId, sid, exp }, secret);
      return `${hostOf(stream, siteHost)}${path}/master.m3u8`;
    },
    preview(stream, siteHost) {
      const { streamId, pictureAtMs } = stream;
      if (pictureAtMs === undefined) return undefined;
      const nowSec = clock.nowMs() / 1_000;
      const exp = Math.ceil(nowSec / PREVIEW_STEP_SEC) * PREVIEW_STEP_SEC + PREVIEW_TTL_SEC;
      const path = signHlsPath({ streamId, sid: previewSid, exp }, secret);
      return `${hostOf(stream, siteHost)}${path}/picture.jpg?at=${pictureAtMs}`;
    },
    recording({ id, streamId, urlBase }, sid, siteHost) {
      const exp = Math.floor(clock.nowMs() / 1_000) + ttlSec;
      const path = signHlsPath({ streamId, sid, exp }, secret);
      return `${hostOf({ hlsUrlBase: urlBase }, siteHost)}${path}/recordings/${id}.mp4`;
    },
  };
}

/** Puts the site's host into an address without one: `http://:8082` → `http://<host>:8082`. */
export function withHost(base: string, siteHost: string): string {
  return base.replace(/\/$/, '').replace(/^(\w+:\/\/)(?=:\d|$)/, `$1${siteHost}`);
}
