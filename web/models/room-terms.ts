// What billing needs to know of a room: who earns, what is charged and how. Used by everybody who
// changes a room's offer. Invariant: the price that billing gets is the one that the door shows.
import type { Room } from '../db/entities/room.js';
import type { RoomTerms } from '../ports.js';
import { currentOffer } from '../rooms/room-offer.js';

export function termsOf(room: Room): RoomTerms {
  const offer = currentOffer(room);
  const base = {
    roomId: room.id,
    performerId: room.performerId,
    streamId: room.streamId,
    priceMilliPerMin: BigInt(offer.priceMilliPerMin),
    isActive: !room.isArchived,
  };
  const limit = room.visitMaxSec === null ? {} : { maxSec: room.visitMaxSec };
  if (offer.kind === 'ticket') {
    const tariff = { model: 'ticket', ticketMilli: BigInt(offer.ticketMilli), ...limit } as const;
    return { ...base, tariff };
  }
  if (offer.kind === 'paid') return { ...base, tariff: { model: 'perMinute', ...limit } };
  if (offer.kind === 'free') return base;
  const { privateGraceSec: graceSec, privateMinimumSec } = room;
  const minimumMilli = (base.priceMilliPerMin * BigInt(privateMinimumSec)) / 60n;
  return { ...base, tariff: { model: 'perMinute', minimumMilli, graceSec } };
}
