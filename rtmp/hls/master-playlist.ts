// The text of a master playlist (RFC 8216, section 4.3.4): one line per rendition, dearest first,
// and one per further language.
import type { SoundTrack } from './show-languages.js';

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

const GROUP = 'sound';
const LANGUAGE_CODEC = 'mp4a.40.2';

/**
 * @param uriOf address of a media playlist, relative to the master
 * @param languages sound besides that of the variants
 */
export function renderMasterPlaylist(
  variants: readonly Variant[],
  uriOf: (media: { readonly name: string }) => string,
  languages: readonly SoundTrack[] = [],
): string {
  const lines = ['#EXTM3U', '#EXT-X-VERSION:6', '#EXT-X-INDEPENDENT-SEGMENTS'];
  if (languages.length > 0) lines.push(...soundLines(variants, uriOf, languages));
  for (const variant of variants) {
    const attributes = languages.length === 0 ? variant : { ...variant, ...grouped(variant) };
    lines.push(`#EXT-X-STREAM-INF:${attributesOf(attributes)}`, uriOf(variant));
  }
  return `${lines.join('\n')}\n`;
}

/** Section 4.3.4.1: the variants' own sound has no address, because it is in their segments. */
function soundLines(
  variants: readonly Variant[],
  uriOf: (media: { readonly name: string }) => string,
  languages: readonly SoundTrack[],
): string[] {
  const hasOwn = variants.every(hasSound);
  const line = (isDefault: boolean, attributes: readonly string[]): string =>
    [
      `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="${GROUP}"`,
      ...attributes.slice(0, 1),
      `DEFAULT=${isDefault ? 'YES' : 'NO'},AUTOSELECT=YES`,
      ...attributes.slice(1),
    ].join(',');
  const own = hasOwn ? [line(true, ['NAME="Original"'])] : [];
  const further = languages.map(({ name, tag, label, channels }, index) =>
    line(!hasOwn && index === 0, [
      `NAME="${label}"`,
      `LANGUAGE="${tag}",CHANNELS="${channels}",URI="${uriOf({ name })}"`,
    ]),
  );
  return [...own, ...further];
}

function hasSound({ codecs }: Variant): boolean {
  return codecs.includes('mp4a');
}

/** CODECS names what any choice of the group needs. */
function grouped(variant: Variant): Pick<Variant, 'codecs'> & { readonly group: string } {
  const { codecs } = variant;
  return { group: GROUP, codecs: hasSound(variant) ? codecs : `${codecs},${LANGUAGE_CODEC}` };
}

function attributesOf(variant: Variant & { readonly group?: string }): string {
  const { bandwidthBps, averageBps, codecs, video, group } = variant;
  const attributes = [
    `BANDWIDTH=${Math.ceil(bandwidthBps)}`,
    `AVERAGE-BANDWIDTH=${Math.ceil(averageBps)}`,
    `CODECS="${codecs}"`,
  ];
  if (video !== undefined) {
    attributes.push(`RESOLUTION=${video.width}x${video.height}`);
    if (video.fps > 0) attributes.push(`FRAME-RATE=${video.fps.toFixed(3)}`);
  }
  if (group !== undefined) attributes.push(`AUDIO="${group}"`);
  return attributes.join(',');
}
