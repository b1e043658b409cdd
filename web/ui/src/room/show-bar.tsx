// What is on: title, model, topic, price and the tip button, below the picture.
import type { Entry, Room } from '../api/rooms.js';
import { formatCredits, isFree } from '../format/credits.js';
import { formatViewers } from '../format/clock.js';
import { Link } from '../router/link.js';
import { FollowButton } from '../social/follow-button.js';
import { EyeIcon, TicketIcon } from '../ui/icons.js';
import { CreditMeter } from './credit-meter.js';
import { TipButton } from './tip-button.js';

interface ShowBarProps {
  room: Room;
  entry: Entry | undefined;
  viewers: number | undefined;
  canTip: boolean;
  canFollow: boolean;
}

function Facts({ room, viewers }: { room: Room; viewers: number | undefined }) {
  return (
    <p className="show-facts">
      {room.isLive ? <span className="badge badge-live">LIVE</span> : null}
      <Link className="show-model" href={`/m/${encodeURIComponent(room.slug)}`}>
        {room.model.name}
      </Link>
      {viewers === undefined || !room.isLive ? null : (
        <span className="show-fact number">
          <EyeIcon />
          {formatViewers(viewers)}
        </span>
      )}
      {room.ticketMilli === '0' ? null : (
        <span className="show-fact number">
          <TicketIcon />
          {formatCredits(room.ticketMilli)} ticket
        </span>
      )}
      {isFree(room.pricePerMinMilli) ? null : (
        <span className="show-fact number">
          <TicketIcon />
          {formatCredits(room.pricePerMinMilli)} / min
        </span>
      )}
    </p>
  );
}

export function ShowBar({ room, entry, viewers, canTip, canFollow }: ShowBarProps) {
  // While the stream is down nothing is charged, so no time runs out.
  const isCharged = typeof entry?.sessionId === 'string' && room.isLive;
  return (
    <div className="show-bar">
      <div className="show-words">
        <h1 className="show-title">{room.title}</h1>
        <Facts room={room} viewers={viewers} />
        {room.topic === '' ? null : <p className="show-topic">{room.topic}</p>}
      </div>
      <div className="show-actions">
        {isCharged ? <CreditMeter entry={entry} /> : null}
        {canFollow ? <FollowButton slug={room.slug} /> : null}
        {canTip ? <TipButton room={room} /> : null}
      </div>
    </div>
  );
}
