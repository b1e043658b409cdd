// The text of a master playlist (RFC 8216, section 4.3.4): one line per rendition, dearest first.

/** What a player must know to choose a rendition. */
export interface Variant {
  readonly name: string;
  /** Peak of all segments, bits per second, transport overhead included. */
  readonly bandwidthBps: number;
  readonly averageBps: number;
  /** RFC 6381, comma-separated. */
  readonly codecs: string;
  /** Absent for sound alone. */
  readonly video:
    { readonly width: number; readonly height: number; readonly fps: number } | undefined;
}

/** @param uriOf address of the variant's media playlist, relative to the master. */
export function renderMasterPlaylist(
  variants: readonly Variant[],
  uriOf: (variant: Variant) => string,
): string {
  const lines = ['#EXTM3U', '#EXT-X-VERSION:6', '#EXT-X-INDEPENDENT-SEGMENTS'];
  for (const variant of variants) {
    lines.push(`#EXT-X-STREAM-INF:${attributesOf(variant)}`, uriOf(variant));
  }
  return `${lines.join('\n')}\n`;
}

function attributesOf({ bandwidthBps, averageBps, codecs, video }: Variant): string {
  const attributes = [
    `BANDWIDTH=${Math.ceil(bandwidthBps)}`,
    `AVERAGE-BANDWIDTH=${Math.ceil(averageBps)}`,
    `CODECS="${codecs}"`,
  ];
  if (video !== undefined) {
    attributes.push(`RESOLUTION=${video.width}x${video.height}`);
    if (video.fps > 0) attributes.push(`FRAME-RATE=${video.fps.toFixed(3)}`);
  }
  return attributes.join(',');
}
