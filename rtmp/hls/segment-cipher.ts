// AES-128 for HLS segments (RFC 8216, section 4.3.2.4): keys come from the token secret, so every
// node knows them and none is stored; files stay as they are and are encrypted on their way out,
// and caches keep the result. A run is encrypted or not for its whole life, and its name says so.
import { createCipheriv, createHmac, type Cipher } from 'node:crypto';
import type { Segment } from './timeline.js';

export interface SegmentName {
  readonly streamId: string;
  readonly run: string;
  readonly folder: string;
  /** Such as `17.ts`. */
  readonly file: string;
}

const SUFFIX = '-aes';
/** A key that leaks opens one minute at 2 s. */
const SEGMENTS_PER_KEY = 30;
const BLOCK_BYTES = 16;

export function encryptedRunName(name: string): string {
  return `${name}${SUFFIX}`;
}

export function isEncrypted({ run }: Pick<Segment, 'run'>): boolean {
  return run.endsWith(SUFFIX);
}

/** Which key of its run and rendition the segment has. */
export function keyIndexOf({ file }: Pick<Segment, 'file'>): number {
  return Math.floor(Number.parseInt(file, 10) / SEGMENTS_PER_KEY);
}

/** 16 bytes, different for each segment of a key: the file's number. */
export function ivOf({ file }: Pick<Segment, 'file'>): Buffer {
  const iv = Buffer.alloc(BLOCK_BYTES);
  iv.writeUInt32BE(Number.parseInt(file, 10), BLOCK_BYTES - 4);
  return iv;
}

/** Length of the encrypted form: PKCS #7 adds 1–16 bytes. */
export function encryptedBytes(bytes: number): number {
  return (Math.floor(bytes / BLOCK_BYTES) + 1) * BLOCK_BYTES;
}

export class SegmentCipher {
  constructor(private readonly secret: string) {}

  key({ streamId, run, folder }: Omit<SegmentName, 'file'>, index: number): Buffer {
    return createHmac('sha256', this.secret)
      .update(`hls-key\n${streamId}\n${run}\n${folder}\n${index}`)
      .digest()
      .subarray(0, BLOCK_BYTES);
  }

  cipher(segment: SegmentName): Cipher {
    return createCipheriv('aes-128-cbc', this.key(segment, keyIndexOf(segment)), ivOf(segment));
  }
}
