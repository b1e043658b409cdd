// The first message of a browser that publishes. Pure: what is malformed is undefined.
import type { BrowserMedia } from './browser-encoder.js';

export interface BrowserHello {
  /** Publish token, without the `tk_` of the stream key that it becomes. */
  readonly token: string;
  readonly media: BrowserMedia;
}

const MIME = /^(?:video|audio)\/(webm|x-matroska|mp4)(?:;|$)/;
const TOKEN = /^[A-Za-z0-9_.~-]{1,1000}$/;
const [SIDE_MIN, SIDE_MAX] = [16, 4_096];
const HELLO_BYTES_MAX = 8_192;

export function parseHello(bytes: Buffer): BrowserHello | undefined {
  if (bytes.length > HELLO_BYTES_MAX) return undefined;
  const { token, mime, width = 1_280, height = 720 } = membersOf(bytes.toString('utf8'));
  if (typeof token !== 'string' || !TOKEN.test(token) || typeof mime !== 'string') return undefined;
  const container = MIME.exec(mime)?.[1];
  if (container === undefined || !isSide(width) || !isSide(height)) return undefined;
  return { token, media: { container: container === 'mp4' ? 'mp4' : 'webm', width, height } };
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= SIDE_MIN && Number(value) <= SIDE_MAX;
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
