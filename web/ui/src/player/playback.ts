// What one <video> does with one stream: the state that the controls show, and the handle through
// which they act.
export type PlaybackPhase = 'starting' | 'playing' | 'stalled' | 'failed';

export interface QualityLevel {
  /** Index for `setQuality`; -1 is automatic. */
  index: number;
  label: string;
}

export interface Playback {
  qualities: () => QualityLevel[];
  /** The chosen index, -1 when automatic. */
  quality: () => number;
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
