// Tips: from a viewer to the performer of a room, once per key however often it is sent.
import type { User } from '../db/entities/user.js';
import { siteError } from '../errors.js';
import type { Billing, TipReceipt } from '../ports.js';
import { commandKey } from './command-key.js';
import type { RoomCatalog } from './room-catalog.js';
import type { Standings } from './standing.js';

export interface TipService {
  /** @throws ROOM_NOT_FOUND, INSUFFICIENT_CREDIT, KEY_REUSED, TIP_REFUSED */
  tip(request: {
    slug: string;
    from: User;
    key: string;
    amountMilli: string;
    text?: string;
    /** Only the performer sees it. */
    note?: string;
  }): Promise<TipReceipt>;
}

export function createTipService(parts: {
  catalog: RoomCatalog;
  billing: Billing;
  standings: Standings;
}): TipService {
  return {
    async tip({ slug, from, key, amountMilli, text, note }) {
      const room = await parts.catalog.find(slug);
      if (room.performerId === from.id)
        throw siteError('TIP_REFUSED', { why: 'it is your own room.' });
      const receipt = await parts.billing.tip({
        key: commandKey('tip', from.id, key),
        viewerId: from.id,
        viewerName: from.username,
        roomId: room.id,
        amount: BigInt(amountMilli),
        ...(text === undefined || text === '' ? {} : { text }),
        ...(note === undefined || note === '' ? {} : { note }),
      });
      // The tip counts whatever becomes of this: it only opens chats for tippers.
      await parts.standings.tipped(from.id, room.id).catch(() => undefined);
      return receipt;
    },
  };
}
