// The text of a media playlist (RFC 8216, section 4.3; parts as in RFC 8216bis, section 4.4). Pure:
// the same segments give the same bytes, apart from the addresses that the caller signs.
import type { Part } from './part-track.js';
import type { Segment } from './timeline.js';

export interface MediaPlaylistInput {
  /** Oldest first. */
  readonly segments: readonly Segment[];
  /** EXT-X-TARGETDURATION, whole seconds; the same for the whole show. */
  readonly targetSec: number;
  /** The show is over: no segment will follow. */
  readonly isEnded: boolean;
  /** Sequence of the next segment, for a playlist that lists none yet. */
  readonly nextSequence: number;
  readonly uriOf: (segment: Segment) => string;
  /** Key of an encrypted segment; undefined for a plain one. */
  readonly keyOf?: (segment: Segment) => { readonly uri: string; readonly iv: Buffer } | undefined;
  /** EXT-X-MAP of fragmented MP4; undefined for MPEG-TS. */
  readonly mapOf?: (media: Segment | Part) => string | undefined;
  /** For low latency. */
  readonly parts?: PartsInput;
}

export interface PartsInput {
  /** PART-TARGET, s. */
  readonly targetSec: number;
  readonly of: (segment: Segment) => readonly Part[];
  /** Of the segment that is being written. */
  readonly open: readonly Part[];
  readonly uriOf: (part: Part) => string;
  /** Address of the part that will come next. */
  readonly hintUri: string;
  /** How far the other renditions are; `lastPart` counts from 0, -1 = none is known. */
  readonly reports: readonly {
    readonly uri: string;
    readonly lastSequence: number;
    readonly lastPart: number;
  }[];
}

/** Segments at the live edge whose parts are listed. */
const SEGMENTS_IN_PARTS = 2;
/** PART-HOLD-BACK in part targets: at least two, three are advised (section 4.4.3.8). */
const PARTS_HELD_BACK = 3;

/**
 * The head never carries a discontinuity tag: EXT-X-DISCONTINUITY-SEQUENCE already is the number of
 * the first segment, and a tag before it would count twice (hls.js stalls on leading ones).
 */
export function renderMediaPlaylist(input: MediaPlaylistInput): string {
  const { segments, targetSec, isEnded } = input;
  const first = segments[0];
  const parts = isEnded ? undefined : input.parts;
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:6',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-TARGETDURATION:${targetSec}`,
    ...(parts === undefined ? [] : controlTags(parts.targetSec)),
    `#EXT-X-MEDIA-SEQUENCE:${first?.sequence ?? input.nextSequence}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${first?.epoch ?? 0}`,
  ];
  const seams = new Seams(input, first?.epoch ?? 0);
  segments.forEach((segment, index) => {
    lines.push(...seams.before(segment));
    if (index >= segments.length - SEGMENTS_IN_PARTS) {
      for (const part of parts?.of(segment) ?? []) lines.push(partTag(part, parts));
    }
    lines.push(`#EXTINF:${segment.durationSec.toFixed(3)},`, input.uriOf(segment));
  });
  const open = parts?.open[0];
  if (open !== undefined) lines.push(...seams.before(open));
  if (parts !== undefined) {
    for (const part of parts.open) lines.push(partTag(part, parts));
    lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${parts.hintUri}"`);
    for (const { uri, lastSequence, lastPart } of parts.reports) {
      const suffix = lastPart < 0 ? '' : `,LAST-PART=${lastPart}`;
      lines.push(`#EXT-X-RENDITION-REPORT:URI="${uri}",LAST-MSN=${lastSequence}${suffix}`);
    }
  }
  if (isEnded) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

function controlTags(partTargetSec: number): string[] {
  const heldBack = (partTargetSec * PARTS_HELD_BACK).toFixed(3);
  return [
    `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${heldBack}`,
    `#EXT-X-PART-INF:PART-TARGET=${partTargetSec.toFixed(3)}`,
  ];
}

function partTag(part: Part, parts: PartsInput | undefined): string {
  const uri = parts?.uriOf(part) ?? '';
  const independent = part.isIndependent ? ',INDEPENDENT=YES' : '';
  return `#EXT-X-PART:DURATION=${part.durationSec.toFixed(5)},URI="${uri}"${independent}`;
}

/** The tags before a segment that depend on the one before it. */
class Seams {
  #epoch: number;
  #map: string | undefined;
  #isEncrypted = false;

  constructor(
    private readonly input: MediaPlaylistInput,
    epoch: number,
  ) {
    this.#epoch = epoch;
  }

  before(media: Segment | Part): string[] {
    const lines: string[] = [];
    // One tag for each number, so that a rendition that missed a run counts like the others.
    for (; this.#epoch < media.epoch; this.#epoch += 1) lines.push('#EXT-X-DISCONTINUITY');
    const key = 'sequence' in media ? this.input.keyOf?.(media) : undefined;
    if (key !== undefined) {
      lines.push(`#EXT-X-KEY:METHOD=AES-128,URI="${key.uri}",IV=0x${key.iv.toString('hex')}`);
    } else if (this.#isEncrypted) {
      lines.push('#EXT-X-KEY:METHOD=NONE');
    }
    this.#isEncrypted = key !== undefined;
    const map = this.input.mapOf?.(media);
    if (map !== undefined && map !== this.#map) lines.push(`#EXT-X-MAP:URI="${map}"`);
    this.#map = map;
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(media.startMs).toISOString()}`);
    return lines;
  }
}
