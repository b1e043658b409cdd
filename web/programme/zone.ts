// Wall time and instants in IANA time zones, daylight saving included. Used by the importers, the
// programme routes and the feed.

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

export function isZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/** Names that Intl knows end at a few hundred, so the memory has an end. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(zone, made);
  return made;
}

/** What the clock on the wall shows, written down as if it were UTC. */
function wallMs(atMs: number, zone: string): number {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Ahead of UTC, ms; e.g. 7,200,000 in Berlin in summer. */
function offsetMs(atMs: number, zone: string): number {
  return wallMs(atMs, zone) - Math.floor(atMs / 1_000) * 1_000;
}

/**
 * The instant of a wall time `2026-03-29T02:30[:00]`. A time that comes twice is the first of both;
 * one that is skipped counts as if the clock had not been changed yet. NaN when there is no such
 * date.
 */
export function instantOf(wall: string, zone: string): number {
  const asUtc = Date.parse(`${wall}Z`);
  if (Number.isNaN(asUtc)) return NaN;
  const before = offsetMs(asUtc - DAY_MS, zone);
  const after = offsetMs(asUtc + DAY_MS, zone);
  const early = asUtc - before;
  if (offsetMs(early, zone) === before) return early;
  const late = asUtc - after;
  return offsetMs(late, zone) === after ? late : early;
}

/** `2026-03-29` in the zone. */
export function dateIn(atMs: number, zone: string): string {
  return new Date(wallMs(atMs, zone)).toISOString().slice(0, 10);
}

/** The day after `2026-12-31`. */
export function dayAfter(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10);
}

/** ISO 8601 with the offset of the zone: `2026-03-29T03:00:00+02:00`. */
export function isoIn(atMs: number, zone: string): string {
  const wall = new Date(wallMs(atMs, zone)).toISOString().slice(0, 19);
  return `${wall}${offsetWords(atMs, zone, ':')}`;
}

/** RFC 822 as RSS wants it: `Sun, 29 Mar 2026 03:00:00 +0200`. */
export function rfc822In(atMs: number, zone: string): string {
  const utc = new Date(wallMs(atMs, zone)).toUTCString();
  return utc.replace(/GMT$/, offsetWords(atMs, zone, ''));
}

/** `10:30` in the zone. */
export function timeIn(atMs: number, zone: string): string {
  return new Date(wallMs(atMs, zone)).toISOString().slice(11, 16);
}

function offsetWords(atMs: number, zone: string, between: string): string {
  const minutes = Math.round(offsetMs(atMs, zone) / MINUTE_MS);
  const two = (n: number): string => String(n).padStart(2, '0');
  const size = Math.abs(minutes);
  const sign = minutes < 0 ? '-' : '+';
  return `${sign}${two(Math.floor(size / 60))}${between}${two(size % 60)}`;
}
