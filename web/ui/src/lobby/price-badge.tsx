// What a show costs, as a small label.
import type { Room } from '../api/rooms.js';
import { formatCredits, isFree } from '../format/credits.js';
import { LockIcon, TicketIcon } from '../ui/icons.js';

export function PriceBadge({ room }: { room: Room }) {
  if (room.showType === 'private') {
    return (
      <span className="badge">
        <LockIcon /> In private
      </span>
    );
  }
  if (room.showType === 'ticket') {
    return (
      <span className="badge badge-price number">
        <TicketIcon />
        {formatCredits(room.ticketMilli)} ticket
      </span>
    );
  }
  if (isFree(room.pricePerMinMilli)) return <span className="badge">Free</span>;
  return (
    <span className="badge badge-price number">
      <TicketIcon />
      {formatCredits(room.pricePerMinMilli)} / min
    </span>
  );
}
