// Announced shows and past ones, on the profile and beside the room.
import type { PastShow, Slot } from '../api/rooms.js';
import { formatDate, formatDay, formatSpan, formatTime } from '../format/clock.js';
import { formatViewers } from '../format/clock.js';

interface ScheduleProps {
  slots: readonly Slot[];
  /** IANA name of the model's zone; times are shown in the visitor's own. */
  timeZone: string;
}

function isOn(slot: Slot): boolean {
  return Date.parse(slot.startsAt) <= Date.now();
}

export function Schedule({ slots, timeZone }: ScheduleProps) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <section aria-label="Schedule" data-testid="schedule">
      <h2>Schedule</h2>
      {slots.length === 0 ? (
        <p className="muted">Nothing is announced. Follow to be told when a show begins.</p>
      ) : (
        <ul className="show-list">
          {slots.map((slot) => (
            <li key={slot.id}>
              <time dateTime={slot.startsAt} className="show-when number">
                {formatDay(slot.startsAt)}
                <br />
                {formatTime(Date.parse(slot.startsAt))} to {formatTime(Date.parse(slot.endsAt))}
              </time>
              <span>
                {slot.title} {isOn(slot) ? <span className="badge badge-live">NOW</span> : null}
              </span>
            </li>
          ))}
        </ul>
      )}
      {slots.length > 0 && zone !== timeZone ? (
        <p className="muted show-zone">Times in your zone. The model lives in {timeZone}.</p>
      ) : null}
    </section>
  );
}

const kinds: Record<string, string> = {
  free: 'Free show',
  paid: 'Paid show',
  ticket: 'Ticket show',
  private: 'Private show',
};

function length({ startedAt, endedAt }: PastShow): string {
  if (endedAt === null) return 'still on';
  return formatSpan(Date.parse(endedAt) - Date.parse(startedAt));
}

export function PastShows({ shows }: { shows: readonly PastShow[] }) {
  if (shows.length === 0) return null;
  return (
    <section aria-label="Past shows" data-testid="past-shows">
      <h2>Past shows</h2>
      <ul className="show-list">
        {shows.map((show) => (
          <li key={show.id}>
            <time dateTime={show.startedAt} className="show-when number">
              {formatDate(show.startedAt)}
            </time>
            <span>
              {show.title}
              <span className="show-more number">
                {kinds[show.showType] ?? show.showType} · {length(show)}
                {show.viewersMax > 0 ? ` · ${formatViewers(show.viewersMax)}` : ''}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
