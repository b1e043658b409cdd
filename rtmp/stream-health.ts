// How well a publisher sends, in four numbers for its dashboard. Shown in the directory and told to
// browsers that publish.
import type { StreamInfo } from './live-stream.js';

export interface StreamHealth {
  /** Over the last five seconds, audio and video; 0 before. */
  readonly bitrateKbps: number;
  readonly fps: number;
  /** Longest distance of the last key frames; 0 before the second one. */
  readonly keyFrameSec: number;
  /** Pictures that the encoder left out, since the publish began. */
  readonly droppedFrames: number;
}

export function healthOf({ bitrateBps, video, lostFrames }: StreamInfo): StreamHealth {
  return {
    bitrateKbps: Math.round(bitrateBps / 1_000),
    fps: video?.fps ?? 0,
    keyFrameSec: (video?.keyFrameIntervalMs ?? 0) / 1_000,
    droppedFrames: lostFrames,
  };
}
