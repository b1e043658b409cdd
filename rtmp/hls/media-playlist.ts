// The text of a media playlist (RFC 8216, section 4.3). Pure: the same segments give the same
// bytes, apart from the addresses that the caller signs.
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
}

/**
 * The head never carries a discontinuity tag: EXT-X-DISCONTINUITY-SEQUENCE already is the number of
 * the first segment, and a tag before it would count twice (hls.js stalls on leading ones).
 */
export function renderMediaPlaylist(input: MediaPlaylistInput): string {
  const { segments, targetSec, isEnded } = input;
  const first = segments[0];
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:6',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-TARGETDURATION:${targetSec}`,
    `#EXT-X-MEDIA-SEQUENCE:${first?.sequence ?? input.nextSequence}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${first?.epoch ?? 0}`,
  ];
  let epoch = first?.epoch ?? 0;
  let isEncrypted = false;
  for (const segment of segments) {
    // One tag for each number, so that a rendition that missed a run counts like the others.
    for (; epoch < segment.epoch; epoch += 1) lines.push('#EXT-X-DISCONTINUITY');
    const key = input.keyOf?.(segment);
    if (key !== undefined) {
      lines.push(`#EXT-X-KEY:METHOD=AES-128,URI="${key.uri}",IV=0x${key.iv.toString('hex')}`);
    } else if (isEncrypted) {
      lines.push('#EXT-X-KEY:METHOD=NONE');
    }
    isEncrypted = key !== undefined;
    lines.push(
      `#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.startMs).toISOString()}`,
      `#EXTINF:${segment.durationSec.toFixed(3)},`,
      input.uriOf(segment),
    );
  }
  if (isEnded) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}
