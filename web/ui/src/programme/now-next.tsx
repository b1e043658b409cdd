// Now and next of a room of the programme: beside the room's own words, and as one line on cards.
import type { NowNext, Stage } from '../api/programme.js';
import { Link } from '../router/link.js';
import { useNowIn } from './now-store.js';
import { isElsewhere, ownTimeOf, placeOf, wallSpan, wallTime } from './zone-time.js';
import '../styles/programme.css';

/** When it is, on the room's clock and for viewers elsewhere on their own. */
export function StageTime({ stage }: { stage: Pick<Stage, 'startsAt' | 'endsAt'> }) {
  const { startsAt, endsAt } = stage;
  const moment = startsAt ?? endsAt;
  if (moment === null) return null;
  const words = startsAt === null ? `until ${wallTime(moment)}` : wallSpan(startsAt, endsAt);
  return (
    <span className="stage-time number">
      <time dateTime={moment}>{words}</time>
      {startsAt !== null && isElsewhere(startsAt) ? (
        <span className="stage-own-time">{ownTimeOf(startsAt)} your time</span>
      ) : null}
    </span>
  );
}

function Line({ label, stage }: { label: string; stage: Stage }) {
  return (
    <div className={`stage-line stage-${stage.kind}`}>
      <dt>{label}</dt>
      <dd>
        <strong className="stage-title">{stage.title}</strong>
        {stage.speakers.length === 0 ? null : (
          <span className="stage-speakers">{stage.speakers.join(', ')}</span>
        )}
        <StageTime stage={stage} />
      </dd>
    </div>
  );
}

/** What follows: the next talk says more than the break before it. */
function following({ next, nextTalk }: NowNext): Stage | null {
  return nextTalk ?? next;
}

/** Now and next as a list of two. */
export function NowNextLines({ item }: { item: NowNext }) {
  const after = following(item);
  return (
    <dl className="now-next">
      <Line label="Now" stage={item.now} />
      {after === null ? null : <Line label="Next" stage={after} />}
    </dl>
  );
}

/** On the page of a room; nothing in rooms that no programme knows. */
export function RoomNowNext({ items }: { items: readonly NowNext[] }) {
  if (items.length === 0) return null;
  return (
    <section className="room-programme" aria-label="Programme" data-testid="now-next">
      {items.map((item) => (
        <div key={item.room.key} className="room-programme-item">
          {item.room.logoUrl === '' ? null : (
            <img className="programme-logo" src={item.room.logoUrl} alt="" />
          )}
          <div className="room-programme-words">
            <p className="room-programme-room">
              {item.room.title}
              <span className="muted"> · times in {placeOf(item.room.timeZone)}</span>
            </p>
            <NowNextLines item={item} />
          </div>
        </div>
      ))}
      <Link href="/programme">Whole programme</Link>
    </section>
  );
}

/** One line on the card of a room. */
export function CardNowNext({ slug }: { slug: string }) {
  const [item] = useNowIn(slug);
  if (item === undefined) return null;
  const after = following(item);
  return (
    <p className="card-programme" data-testid="card-now">
      <span>
        <b>Now</b> {item.now.title}
      </span>
      {after === null ? null : (
        <span>
          <b>Next</b> {after.startsAt === null ? '' : `${wallTime(after.startsAt)} `}
          {after.title}
        </span>
      )}
    </p>
  );
}
