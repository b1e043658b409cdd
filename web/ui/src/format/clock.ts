// Durations and counts as people read them.

/** `65` → `1:05`, `3725` → `1:02:05`. */
export function formatCountdown(totalSec: number): string {
  const sec = Math.max(0, Math.floor(totalSec));
  const two = (n: number): string => String(n).padStart(2, '0');
  const hours = Math.floor(sec / 3600);
  const minutes = Math.floor((sec % 3600) / 60);
  return hours > 0
    ? `${String(hours)}:${two(minutes)}:${two(sec % 60)}`
    : `${String(minutes)}:${two(sec % 60)}`;
}

/** `950` → `950`, `1234` → `1.2k`, `12345` → `12k`. */
export function formatCount(count: number): string {
  if (count < 1000) return String(count);
  const [value, unit] = count < 1_000_000 ? [count / 1000, 'k'] : [count / 1_000_000, 'M'];
  const digits = value < 10 ? (Math.floor(value * 10) / 10).toFixed(1) : String(Math.floor(value));
  return `${digits.replace(/\.0$/, '')}${unit}`;
}

export function formatViewers(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'viewer' : 'viewers'}`;
}

const timeOfDay = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const dayOnly = new Intl.DateTimeFormat(undefined, {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
});
const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export function formatTime(atMs: number): string {
  return timeOfDay.format(atMs);
}

/** `today at 10:25`, or the date and time. */
export function formatWhen(iso: string, nowMs: number): string {
  const at = new Date(iso);
  const isToday = at.toDateString() === new Date(nowMs).toDateString();
  return isToday ? `today at ${timeOfDay.format(at)}` : formatDate(iso);
}

export function formatDate(iso: string): string {
  const atMs = Date.parse(iso);
  return Number.isNaN(atMs) ? iso : dateAndTime.format(atMs);
}

/** `Fri, 6 Nov` in the visitor's language and zone. */
export function formatDay(iso: string): string {
  const atMs = Date.parse(iso);
  return Number.isNaN(atMs) ? iso : dayOnly.format(atMs);
}

/** A length in hours and minutes: `1 h 5 min`, `12 min`, `under a minute`. */
export function formatSpan(spanMs: number): string {
  const minutes = Math.floor(Math.max(0, spanMs) / 60_000);
  if (minutes === 0) return 'under a minute';
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (hours === 0) return `${String(rest)} min`;
  return rest === 0 ? `${String(hours)} h` : `${String(hours)} h ${String(rest)} min`;
}
