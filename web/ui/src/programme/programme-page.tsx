// `/programme`: what is on now in every room, and the talks of a day room by room, the one that
// runs marked. Follows the clock and new versions of the programme by itself.
import { useEffect, useRef, useState } from 'react';
import { fetchProgramme } from '../api/programme.js';
import type { NowNext, Programme, ProgrammeRoom, Talk } from '../api/programme.js';
import { Link } from '../router/link.js';
import { useLoad } from '../state/use-load.js';
import { useNow } from '../state/use-now.js';
import { Blank, Loading } from '../ui/blank.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';
import { ExternalPlayer } from './external-player.js';
import { NowNextLines, StageTime } from './now-next.js';
import { useNowNext } from './now-store.js';
import { dayOf, dayWords, ownZone, placeOf } from './zone-time.js';
import '../styles/programme.css';

const refreshEveryMs = 60_000;

function TalkRow({ talk, nowMs }: { talk: Talk; nowMs: number }) {
  const [startMs, endMs] = [Date.parse(talk.startsAt), Date.parse(talk.endsAt)];
  const isOn = startMs <= nowMs && nowMs < endMs;
  const state = isOn ? 'is-on' : endMs <= nowMs ? 'is-past' : '';
  return (
    <li className={`talk ${state}`} data-testid="talk" aria-current={isOn ? 'time' : undefined}>
      <p className="talk-head">
        <StageTime stage={talk} />
        {isOn ? <span className="badge badge-live">NOW</span> : null}
      </p>
      <p className="talk-title">
        {talk.url === '' ? (
          talk.title
        ) : (
          <a href={talk.url} target="_blank" rel="noopener noreferrer">
            {talk.title}
          </a>
        )}
      </p>
      {talk.subtitle === '' ? null : <p className="talk-more">{talk.subtitle}</p>}
      {talk.speakers.length === 0 ? null : <p className="talk-more">{talk.speakers.join(', ')}</p>}
      {talk.abstract === '' ? null : (
        <details className="talk-abstract">
          <summary>About this talk</summary>
          <p>{talk.abstract}</p>
        </details>
      )}
    </li>
  );
}

/** The way into a room: its page here, or the other site's player in this page. */
function Entrance({ room }: { room: ProgrammeRoom }) {
  const [isOpen, setOpen] = useState(false);
  if (room.slug !== null) {
    return (
      <Link
        className={`button button-small ${room.isActive ? 'button-primary' : ''}`}
        href={`/r/${encodeURIComponent(room.slug)}`}
      >
        {room.isActive ? 'Watch' : 'Open the room'}
        <span className="visually-hidden"> {room.title}</span>
      </Link>
    );
  }
  if (room.playerUrl === null) return null;
  return (
    <>
      <Button
        size="small"
        look={isOpen ? 'plain' : 'primary'}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {isOpen ? 'Close the player' : 'Watch'}
        <span className="visually-hidden"> {room.title}</span>
      </Button>
      {isOpen ? <ExternalPlayer url={room.playerUrl} title={`Video of ${room.title}`} /> : null}
    </>
  );
}

function RoomColumn({ room, talks, item, nowMs }: RoomColumnProps) {
  return (
    <section className="programme-room" id={room.key} aria-label={room.title}>
      <header className="programme-room-head">
        {room.logoUrl === '' ? null : <img className="programme-logo" src={room.logoUrl} alt="" />}
        <h2>{room.title}</h2>
        <Entrance room={room} />
      </header>
      {item === undefined ? null : <NowNextLines item={item} />}
      {talks.length === 0 ? (
        <p className="muted">Nothing on this day.</p>
      ) : (
        <ol className="talk-list">
          {talks.map((talk) => (
            <TalkRow key={talk.guid} talk={talk} nowMs={nowMs} />
          ))}
        </ol>
      )}
    </section>
  );
}

interface RoomColumnProps {
  room: ProgrammeRoom;
  talks: readonly Talk[];
  item: NowNext | undefined;
  nowMs: number;
}

function zoneWords({ rooms, timeZone }: Programme): string {
  const zones = [...new Set(rooms.map((room) => room.timeZone))];
  const own = ownZone();
  const place =
    zones.length === 1 ? `in ${placeOf(zones[0] ?? timeZone)}` : 'in the zone of each room';
  return zones.length === 1 && zones[0] === own
    ? `Times ${place}, your own zone.`
    : `Times ${place}; your own (${placeOf(own)}) beside them where they differ.`;
}

function Days({ programme, date, onDate }: DaysProps) {
  return (
    <div className="segmented" role="group" aria-label="Day">
      {programme.days.map((day) => (
        <button
          key={day.date}
          type="button"
          aria-pressed={day.date === date}
          data-testid="programme-day"
          onClick={() => onDate(day.date)}
        >
          {dayWords(day.date)}
        </button>
      ))}
    </div>
  );
}

interface DaysProps {
  programme: Programme;
  date: string | undefined;
  onDate: (date: string) => void;
}

function useAnchor(isReady: boolean): void {
  const isDone = useRef(false);
  useEffect(() => {
    if (!isReady || isDone.current || location.hash.length < 2) return;
    isDone.current = true;
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }, [isReady]);
}

function Whole({ programme, isStale }: { programme: Programme; isStale: boolean }) {
  const nowMs = useNow(10_000, true);
  const now = useNowNext();
  const [chosen, setChosen] = useState<string>();
  useAnchor(true);
  const isKnown = programme.days.some(({ date }) => date === chosen);
  const date = isKnown ? chosen : dayOf(programme.days, nowMs)?.date;
  const day = programme.days.find((one) => one.date === date);
  const isFirst = programme.days[0] === day;
  const isToday = (talk: Talk): boolean => {
    if (day === undefined) return false;
    const startMs = Date.parse(talk.startsAt);
    const isAfterStart = isFirst || startMs >= Date.parse(day.startsAt);
    return isAfterStart && startMs < Date.parse(day.endsAt);
  };
  return (
    <main className="page programme" id="main" tabIndex={-1} data-testid="programme">
      <div className="page-head programme-head">
        <div>
          <h1 className="display">{programme.title}</h1>
          <p className="muted">{zoneWords(programme)}</p>
        </div>
        <a className="programme-feed" href="/api/v1/programme/feed.rss">
          RSS feed
        </a>
      </div>
      {isStale ? (
        <Notice tone="info">The programme cannot be read just now; it may be out of date.</Notice>
      ) : null}
      {programme.days.length > 1 ? (
        <Days programme={programme} date={date} onDate={setChosen} />
      ) : null}
      <div className="programme-grid">
        {programme.rooms.map((room) => (
          <RoomColumn
            key={room.key}
            room={room}
            talks={programme.talks.filter((talk) => talk.room === room.key && isToday(talk))}
            item={now.find((one) => one.room.key === room.key)}
            nowMs={nowMs}
          />
        ))}
      </div>
    </main>
  );
}

export function ProgrammePage() {
  const { data, problem, reload } = useLoad(fetchProgramme, []);
  useEffect(() => {
    const clock = window.setInterval(() => {
      if (document.visibilityState === 'visible') reload();
    }, refreshEveryMs);
    return () => window.clearInterval(clock);
  }, [reload]);
  if (problem?.code === 'PROGRAMME_NOT_FOUND') {
    return (
      <Blank title="No programme">
        <p>Nothing is announced here yet. This page fills by itself.</p>
        <Link className="button button-primary" href="/">
          See what is live
        </Link>
      </Blank>
    );
  }
  if (data) return <Whole programme={data} isStale={problem !== undefined} />;
  if (!problem) return <Loading label="Loading the programme" />;
  return (
    <Blank title="The programme cannot be shown">
      <p>{problem.message}</p>
      <Button look="primary" onClick={reload}>
        Try again
      </Button>
    </Blank>
  );
}
