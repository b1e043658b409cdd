// Times of the programme: as the clock on the wall of the room shows them, and for the viewer where
// that clock shows something else.

/** `2026-05-01T10:30`, as the clock in the zone shows it. */
function wallIn(iso: string, zone: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  return format.format(new Date(iso)).replace(' ', 'T');
}

/** `10:30`, the time in the zone that the moment is written in. */
export function wallTime(iso: string): string {
  return iso.slice(11, 16);
}

/** Whether the viewer's clock shows another time at that moment. */
export function isElsewhere(iso: string, zone = ownZone()): boolean {
  return wallIn(iso, zone) !== iso.slice(0, 16);
}

/** `10:30` to `11:15` on the wall of the room. */
export function wallSpan(startsAt: string | null, endsAt: string | null): string {
  const words = [startsAt, endsAt].map((iso) => (iso === null ? '' : wallTime(iso)));
  return words.filter((one) => one !== '').join('–');
}

/** The moment on the viewer's clock, with the day when it is another one there. */
export function ownTimeOf(iso: string, zone = ownZone()): string {
  const format = new Intl.DateTimeFormat(undefined, {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    ...(wallIn(iso, zone).slice(0, 10) === iso.slice(0, 10) ? {} : { weekday: 'short' }),
  });
  return format.format(new Date(iso));
}

export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** `Europe/Berlin` → `Berlin`. */
export function placeOf(zone: string): string {
  return (zone.split('/').at(-1) ?? zone).replaceAll('_', ' ');
}

const dayName = new Intl.DateTimeFormat(undefined, {
  timeZone: 'UTC',
  weekday: 'short',
  day: 'numeric',
  month: 'short',
});

/** `2026-12-27` → `Sun, 27 Dec`. */
export function dayWords(date: string): string {
  return dayName.format(new Date(`${date}T12:00:00Z`));
}

/** The day of a programme that a moment belongs to, or the next one, or the last. */
export function dayOf<D extends { endsAt: string }>(
  days: readonly D[],
  nowMs: number,
): D | undefined {
  return days.find((one) => nowMs < Date.parse(one.endsAt)) ?? days.at(-1);
}
