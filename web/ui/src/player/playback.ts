// What one <video> does with one stream: the state that the controls show, and the handle through
// which they act.
export type PlaybackPhase = 'starting' | 'playing' | 'stalled' | 'failed';

export interface QualityLevel {
  /** Index for `setQuality`. */
  index: number;
  label: string;
}

/** For `setQuality`: as the connection allows. */
export const automatic = -1;
/**
 * For `setQuality`: the sound alone, or the smallest picture where the stream has no such track.
 */
export const audioOnly = -2;

export interface Playback {
  setQuality: (index: number) => void;
  /** Seconds behind the stage, when known. */
  latencySec: () => number | undefined;
  seekToLive: () => void;
  destroy: () => void;
}

export interface PlaybackEvents {
  onPhase: (phase: PlaybackPhase) => void;
  onQualities: (levels: QualityLevel[]) => void;
  /**
   * The server refused the address: ask for a new one. Resolves to false when there is none to
   * have.
   */
  renew: () => Promise<boolean>;
  /** Puts the newest signature into an address. */
  freshen: (url: string) => string;
}

/** Rows of a ladder as people name them: `1080p`, `720p`, … or the bit rate. */
export function qualityLabel(level: { height: number; bitrate: number }): string {
  if (level.height > 0) return `${String(level.height)}p`;
  return level.bitrate > 0 ? `${String(Math.round(level.bitrate / 1000))} kbit/s` : 'Source';
}
