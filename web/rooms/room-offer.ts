// What a room costs now: the one place that reads show type, prices and a private show together.
// Used by the door, the list and whoever tells billing. Invariant: during a private show its own
// price is the only one.
import type { Room, ShowType } from '../db/entities/room.js';

export type OfferColumns = Pick<
  Room,
  | 'showType'
  | 'ticketMilli'
  | 'privatePriceMilli'
  | 'privateMinimumSec'
  | 'privateGraceSec'
  | 'privateViewerId'
  | 'freeEpoch'
  | 'goalText'
  | 'goalMilli'
  | 'tipMenu'
  | 'timeZone'
  | 'showMaxSec'
  | 'visitMaxSec'
>;

/** A room that has just been opened: free, nothing announced. */
export const newRoomOffer: OfferColumns = {
  showType: 'free',
  ticketMilli: '0',
  privatePriceMilli: '0',
  privateMinimumSec: 0,
  privateGraceSec: 0,
  privateViewerId: null,
  freeEpoch: 0,
  goalText: '',
  goalMilli: '0',
  tipMenu: null,
  timeZone: 'UTC',
  showMaxSec: null,
  visitMaxSec: null,
};

export interface Offer {
  readonly kind: ShowType | 'private';
  /** '0' for free shows and for those with a ticket. */
  readonly priceMilliPerMin: string;
  /** '0' but for shows with a ticket. */
  readonly ticketMilli: string;
}

type Priced = Pick<
  Room,
  'showType' | 'priceMilliPerMin' | 'ticketMilli' | 'privatePriceMilli' | 'privateViewerId'
>;

/** What whoever enters now would pay. */
export function currentOffer(room: Priced): Offer {
  if (room.privateViewerId !== null) {
    return { kind: 'private', priceMilliPerMin: room.privatePriceMilli, ticketMilli: '0' };
  }
  if (room.showType === 'ticket') {
    return { kind: 'ticket', priceMilliPerMin: '0', ticketMilli: room.ticketMilli };
  }
  const isFree = room.priceMilliPerMin === '0';
  return {
    kind: isFree ? 'free' : 'paid',
    priceMilliPerMin: room.priceMilliPerMin,
    ticketMilli: '0',
  };
}
