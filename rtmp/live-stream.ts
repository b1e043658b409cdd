// Where ingest and the media pipeline meet: what an accepted publish looks like to ffmpeg,
// recorders, thumbnails and players. Ingest implements LiveStream; everything behind it implements
// FlvSink. Invariant: `streamStarted` and `streamEnded` come exactly once per accepted publish, in
// this order.

import type { FlvTag } from './protocol/flv.js';
import type { HookClientInfo } from './session-hooks.js';

/** Reason of a kick: segments cannot be written. Its publisher is told RTMP_DISK_FULL. */
export const DISK_FULL = 'disk-full';

/** One accepted publish, as the media pipeline sees it. */
export interface LiveStream {
  /** Public playback id from the publish hook; never the stream key. */
  readonly streamId: string;
  /** Unique over all nodes and restarts. */
  readonly sessionId: string;
  readonly startedAtMs: number;
  /** What its publisher said, for hooks about it. */
  readonly client?: HookClientInfo;
  /** Of a further language: its timestamps are those of the stream's own publisher. */
  readonly isSameClock?: boolean;
  /** Live view: members fill as tags arrive and keep changing; read them when needed. */
  readonly info: StreamInfo;
  /**
   * Subscribes to FLV tags. The sink first gets `header()`, then onMetaData, the sequence headers
   * and the cached GOP in one burst, then live tags. Returns the unsubscribe function (idempotent);
   * after it nothing is called any more. On a stream that has ended the sink gets `end()` at once.
   */
  subscribe(sink: FlvSink): () => void;
  /** Ends the publish for good: the publisher sees the reason, then its connection is destroyed. */
  kick(reason: string): void;
}

/** A reader of one stream. Every method is called synchronously and must not throw. */
export interface FlvSink {
  /** First call: write an FLV file header here. */
  header(): void;
  /**
   * One tag. Return false to ask for drop-to-key-frame: media is then skipped until the next key
   * frame (sequence headers and metadata still come). `tag.encoded` is one buffer shared by all
   * sinks.
   */
  tag(tag: FlvTag): boolean;
  /** Last call. The sink is already unsubscribed. */
  end(reason: string): void;
}

/**
 * Told about every accepted publish of this node. A take-over is the old `streamEnded`, then the
 * new `streamStarted`.
 */
export interface LiveStreamListener {
  streamStarted(stream: LiveStream): void;
  streamEnded(stream: LiveStream, reason: string): void;
}

/** What is known about the media; absent members are not known (yet). */
export interface StreamInfo {
  readonly video: VideoInfo | undefined;
  readonly audio: AudioInfo | undefined;
  /** Encoder name from onMetaData. */
  readonly encoder: string | undefined;
  /** Measured over the last seconds, audio and video together. */
  readonly bitrateBps: number;
  /**
   * Steps of more than 1 s, or back by more than 0.2 s, between tags of one kind: copying is
   * unwise.
   */
  readonly timestampJumps: number;
  /** Pictures missing from the video's timestamps: what the encoder left out. */
  readonly lostFrames: number;
}

export interface VideoInfo {
  /** `h264`; other codecs are refused at ingest. */
  readonly codec: string;
  /** RFC 6381, such as `avc1.64001f`. */
  readonly codecString: string;
  /** profile_idc: 66 baseline, 77 main, 100 high, 110 high 10, … */
  readonly profileIdc: number;
  /** level_idc: 31 means 3.1. */
  readonly levelIdc: number;
  /** 8 for the common formats. */
  readonly bitDepth: number;
  /** `4:2:0` for the common formats. */
  readonly chroma: string;
  readonly width: number;
  readonly height: number;
  /**
   * Measured from timestamps; before enough frames came, what the metadata or the SPS says, or 0.
   */
  readonly fps: number;
  /** Longest distance of the last key frames, ms; 0 before the second key frame. */
  readonly keyFrameIntervalMs: number;
}

export interface AudioInfo {
  /** `aac` or `mp3`. */
  readonly codec: string;
  /** RFC 6381, such as `mp4a.40.2`. */
  readonly codecString: string;
  readonly sampleRateHz: number;
  readonly channels: number;
}
