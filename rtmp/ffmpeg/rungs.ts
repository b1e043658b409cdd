// The table of encodings: picture heights with bit rate, profile and level. Pure; used by plan.ts.

export interface PictureSize {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
}

/** What libx264 is told, and what the master playlist says about it. */
export interface Encoding extends PictureSize {
  readonly bitrateBps: number;
  readonly profile: 'main' | 'high';
  /** Such as `3.1`. */
  readonly level: string;
  readonly codecString: string;
  /**
   * `source`: where the source has them, so that cuts match a copied rendition. `clock`: at whole
   * segments.
   */
  readonly keyFrames: 'source' | 'clock';
}

/**
 * Heights and bit rates at 30 frames per second; from Apple's authoring rules and common ladders.
 */
const RUNGS = [
  { height: 1080, bitrateBps: 4_500_000 },
  { height: 720, bitrateBps: 2_800_000 },
  { height: 480, bitrateBps: 1_400_000 },
  { height: 360, bitrateBps: 800_000 },
  { height: 240, bitrateBps: 400_000 },
] as const;
const FPS_MAX = 60;
/** Below this height more than 30 frames per second are not worth their bits. */
const FAST_HEIGHT_MIN = 720;
const DEFAULT_FPS = 30;

/** H.264, table A-1: largest frame and frame rate in macroblocks. */
const LEVELS = [
  { level: '3.0', idc: 30, perSec: 40_500, perFrame: 1_620 },
  { level: '3.1', idc: 31, perSec: 108_000, perFrame: 3_600 },
  { level: '3.2', idc: 32, perSec: 216_000, perFrame: 5_120 },
  { level: '4.0', idc: 40, perSec: 245_760, perFrame: 8_192 },
  { level: '4.2', idc: 42, perSec: 522_240, perFrame: 8_704 },
] as const;

/**
 * Encodings for a source, tallest first, none larger than the source.
 * @param isBelow only those smaller than the source, which is copied itself
 */
export function fittingRungs(
  source: PictureSize,
  heightMax: number,
  isBelow: boolean,
): readonly Encoding[] {
  const own = Math.min(source.height, 1080);
  const lower = RUNGS.map((rung) => rung.height).filter((height) => height < own);
  const heights = isBelow ? lower : [own, ...lower];
  const fitting = heights.filter((height) => height <= heightMax);
  return fitting.map((height) => encodingFor(source, height, isBelow ? 'source' : 'clock'));
}

/** The encoding of a source at a height; the shape of the picture stays, sides are even. */
function encodingFor(
  source: PictureSize,
  height: number,
  keyFrames: Encoding['keyFrames'],
): Encoding {
  const width = even((source.width * height) / source.height);
  const sourceFps = source.fps > 0 ? Math.min(source.fps, FPS_MAX) : DEFAULT_FPS;
  // Fewer frames might lose those that the source has as key frames.
  const isHalved = keyFrames === 'clock' && height < FAST_HEIGHT_MIN && sourceFps > 31;
  const fps = isHalved ? sourceFps / 2 : sourceFps;
  const size = { width, height: even(height), fps };
  const profile = height > 480 ? 'high' : 'main';
  const blocks = Math.ceil(width / 16) * Math.ceil(size.height / 16);
  const level =
    LEVELS.find((one) => blocks <= one.perFrame && blocks * fps <= one.perSec) ?? LEVELS[4];
  const prefix = profile === 'high' ? '6400' : '4d40';
  return {
    ...size,
    profile,
    keyFrames,
    bitrateBps: Math.round(bitrateAt(height) * Math.max(1, fps / 40)),
    level: level.level,
    codecString: `avc1.${prefix}${level.idc.toString(16)}`,
  };
}

/** RFC 6381 list of what is there. */
export function codecsOf(...codecs: readonly (string | undefined)[]): string {
  return codecs.filter((one) => one !== undefined).join(',');
}

/** Bit rate of any height, between the rungs in proportion. */
function bitrateAt(height: number): number {
  const above = [...RUNGS].reverse().find((rung) => rung.height >= height) ?? RUNGS[0];
  return Math.round((above.bitrateBps * height) / above.height);
}

function even(side: number): number {
  return Math.max(2, Math.round(side / 2) * 2);
}
