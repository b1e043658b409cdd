// What a node says about itself: streams and sessions with bytes and rates, as plain JSON. Made by
// RtmpServer, sent over the bus, shown by the control server. Holds public stream ids only, never a
// key.

import type { AudioInfo, VideoInfo } from '../live-stream.js';

export interface SessionStatistics {
  readonly session: string;
  readonly clientId: number;
  /** `none` until a hook has accepted it. */
  readonly kind: 'publish' | 'play' | 'none';
  readonly streamId: string;
  readonly app: string;
  readonly address: string;
  readonly flashVer: string;
  readonly durationMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** bit/s over the last five seconds. */
  readonly bpsIn: number;
  readonly bpsOut: number;
  readonly droppedTags: number;
  readonly timestampMs: number;
}

export interface StreamStatistics {
  readonly streamId: string;
  readonly session: string;
  readonly app: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly encoder: string;
  readonly video: VideoInfo | undefined;
  readonly audio: AudioInfo | undefined;
  readonly bitrateBps: number;
  readonly timestampJumps: number;
  readonly players: number;
}

export interface NodeStatistics {
  readonly nodeId: string;
  readonly uptimeMs: number;
  readonly acceptedConnections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly streams: readonly StreamStatistics[];
  readonly sessions: readonly SessionStatistics[];
}
