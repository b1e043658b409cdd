// One room in the list: picture or poster, live badge, price and viewers. The whole card is one
// link.
import type { Room } from '../api/rooms.js';
import { formatViewers } from '../format/clock.js';
import { Link } from '../router/link.js';
import { CardNowNext } from '../programme/now-next.js';
import { EyeIcon } from '../ui/icons.js';
import { Poster } from './poster.js';
import { Preview } from './preview.js';
import { PriceBadge } from './price-badge.js';

export function RoomCard({ room, isHeadline = false }: { room: Room; isHeadline?: boolean }) {
  return (
    <li
      className={isHeadline ? 'card card-headline' : 'card'}
      data-testid="room-card"
      data-slug={room.slug}
    >
      <Link className="card-link" href={`/r/${encodeURIComponent(room.slug)}`}>
        <div className="card-picture">
          <Preview room={room} />
          <div className="card-badges">
            {room.isLive ? <span className="badge badge-live">LIVE</span> : null}
            <PriceBadge room={room} />
          </div>
        </div>
        <div className="card-words">
          <h3 className="card-title">{room.title}</h3>
          <p className="card-model">
            {room.model.name}
            {room.isLive ? (
              <span className="card-viewers number">
                <EyeIcon />
                {formatViewers(room.viewers)}
              </span>
            ) : null}
          </p>
          {room.topic === '' ? null : <p className="card-topic">{room.topic}</p>}
          <CardNowNext slug={room.slug} />
          {room.tags.length === 0 ? null : (
            <p className="card-tags">{room.tags.map((tag) => `#${tag}`).join(' ')}</p>
          )}
          {isHeadline ? (
            <span className="button button-primary card-enter">Enter the room</span>
          ) : null}
        </div>
      </Link>
    </li>
  );
}

/** A room between shows, as a line rather than a picture: the eye belongs to what is live. */
export function RestingRoom({ room }: { room: Room }) {
  return (
    <li className="resting" data-testid="room-card" data-slug={room.slug}>
      <Link className="resting-link" href={`/r/${encodeURIComponent(room.slug)}`}>
        <div className="resting-picture">
          <Poster seed={room.slug} name={room.model.name} />
        </div>
        <div>
          <h3 className="card-title">{room.model.name}</h3>
          <p className="card-topic">{room.title}</p>
          <CardNowNext slug={room.slug} />
        </div>
        <PriceBadge room={room} />
      </Link>
    </li>
  );
}
