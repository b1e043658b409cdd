// The signed part of an HLS address, `/h/<exp>.<sid>.<mac>/…`. A player keeps asking for the
// playlist address that it began with; this puts the newest signature into each request, so that a
// renewal never interrupts the picture.
const pattern = /\/h\/(\d+)\.([^/]+)\.([^./]+)\//;

export interface SignedPrefix {
  /** The whole `/h/…/` part. */
  text: string;
  expiresAtMs: number;
}

export function readPrefix(url: string): SignedPrefix | undefined {
  const match = pattern.exec(url);
  if (!match) return undefined;
  return { text: match[0], expiresAtMs: Number(match[1]) * 1000 };
}

/** `url` with the fresher of its own and the given signature. */
export function withFreshPrefix(url: string, fresh: SignedPrefix | undefined): string {
  const own = readPrefix(url);
  if (!own || !fresh || own.expiresAtMs >= fresh.expiresAtMs) return url;
  return url.replace(own.text, () => fresh.text);
}

/**
 * How long to wait before asking for a new signature: at two thirds of what is left, at least a
 * second.
 */
export function renewalDelayMs(prefix: SignedPrefix, nowMs: number): number {
  return Math.max(1000, ((prefix.expiresAtMs - nowMs) * 2) / 3);
}
