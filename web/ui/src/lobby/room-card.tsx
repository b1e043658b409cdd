// One room in the list: picture or poster, live badge, price and viewers. The whole card is one
// link.
import { useState } from 'react';
import type { Room } from '../api/rooms.js';
import { formatCredits, isFree } from '../format/credits.js';
import { formatViewers } from '../format/clock.js';
import { Link } from '../router/link.js';
import { EyeIcon, LockIcon, TicketIcon } from '../ui/icons.js';
import { Poster } from './poster.js';

function Picture({ room }: { room: Room }) {
  const [brokenUrl, setBrokenUrl] = useState<string>();
  const url = room.isLive ? room.previewUrl : undefined;
  return (
    <>
      <Poster seed={room.slug} name={room.model.name} />
      {url !== null && url !== undefined && url !== '' && url !== brokenUrl ? (
        <img
          className="card-preview"
          src={url}
          alt=""
          loading="lazy"
          decoding="async"
          onError={() => setBrokenUrl(url)}
        />
      ) : null}
    </>
  );
}

export function PriceBadge({ priceMilli }: { priceMilli: string }) {
  if (isFree(priceMilli)) return <span className="badge">Free</span>;
  return (
    <span className="badge badge-price number">
      <TicketIcon />
      {formatCredits(priceMilli)} / min
    </span>
  );
}

export function RoomCard({ room, isHeadline = false }: { room: Room; isHeadline?: boolean }) {
  return (
    <li
      className={isHeadline ? 'card card-headline' : 'card'}
      data-testid="room-card"
      data-slug={room.slug}
    >
      <Link className="card-link" href={`/r/${encodeURIComponent(room.slug)}`}>
        <div className="card-picture">
          <Picture room={room} />
          <div className="card-badges">
            {room.isLive ? <span className="badge badge-live">LIVE</span> : null}
            {room.isPrivate === true ? (
              <span className="badge">
                <LockIcon /> Private
              </span>
            ) : null}
            <PriceBadge priceMilli={room.pricePerMinMilli} />
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
        </div>
        <PriceBadge priceMilli={room.pricePerMinMilli} />
      </Link>
    </li>
  );
}
