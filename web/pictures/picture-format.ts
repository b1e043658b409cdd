// What counts as a picture, decided by its bytes, and the sizes that are made of it. Invariant: no
// decoder sees bytes of a format that is not in the list, and none decodes more than PIXELS_MAX.
import sharp from 'sharp';
import { coerceError } from '../../cluster/index.js';
import { siteError } from '../errors.js';

export const AVATAR_SIZES = [64, 256] as const;
export type AvatarSize = (typeof AVATAR_SIZES)[number];

export const PICTURE_BYTES_MAX = 10 * 1024 * 1024;

/** A phone's photo has up to 50 million; decoding one takes about 200 MB at worst. */
const PIXELS_MAX = 50_000_000;
const DECODE_SEC_MAX = 20;

/** First bytes, and what sharp calls the format. SVG is left out: it is a program. */
const FORMATS: readonly { readonly start: RegExp; readonly format: string }[] = [
  { start: /^\xff\xd8\xff/, format: 'jpeg' },
  { start: /^\x89PNG\r\n[^]\n/, format: 'png' },
  { start: /^RIFF[^]{4}WEBP/, format: 'webp' },
  { start: /^[^]{4}ftypavi[fs]/, format: 'heif' },
  { start: /^GIF8[79]a/, format: 'gif' },
];

/** Reads the header only. @throws PICTURE_REFUSED */
export async function requirePicture(bytes: Buffer): Promise<void> {
  const start = bytes.toString('latin1', 0, 16);
  const known = FORMATS.find((one) => one.start.test(start));
  if (known === undefined) throw refusal('use JPEG, PNG, WebP, AVIF or GIF.');
  const found = await open(bytes)
    .metadata()
    .catch((thrown: unknown) => {
      throw refusal(reasonOf(thrown), thrown);
    });
  const isOther = found.format !== known.format;
  if (isOther || (found.format === 'heif' && found.compression !== 'av1')) {
    throw refusal('its content is of another format than it says.');
  }
}

/**
 * A square cut from the middle, upright, without what cameras write beside it (place, device).
 * Of a moving picture the first frame. Takes 10 to 500 ms of one thread.
 * @throws PICTURE_REFUSED for damaged and incomplete pictures
 */
export async function makeAvatar(bytes: Buffer, size: AvatarSize): Promise<Buffer> {
  return open(bytes)
    .timeout({ seconds: DECODE_SEC_MAX })
    .autoOrient()
    .resize(size, size, { fit: 'cover' })
    .webp({ quality: 82 })
    .toBuffer()
    .catch((thrown: unknown) => {
      throw refusal(reasonOf(thrown), thrown);
    });
}

const open = (bytes: Buffer) => sharp(bytes, { failOn: 'truncated', limitInputPixels: PIXELS_MAX });

/** The library's own words speak of its insides and stay in the log. */
function reasonOf(thrown: unknown): string {
  const isHuge = coerceError(thrown).message.includes('pixel limit');
  return isHuge ? 'it has more than 50 million pixels.' : 'it is damaged or incomplete.';
}

const refusal = (why: string, cause?: unknown) => siteError('PICTURE_REFUSED', { why }, cause);
