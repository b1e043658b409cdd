// Short-lived tokens with which a model publishes without the stream key: from the browser, or from
// an encoder as `tk_<token>`. Used by the model routes; rtmp and billing verify them.
import type { TokenService } from '../../cluster/index.js';
import type { Room } from '../db/entities/room.js';

const TTL_SEC = 120;

export interface PublishTickets {
  /** Good for two minutes, for this stream alone. */
  issue(room: Room): { token: string; expiresInSec: number };
}

export function createPublishTickets({ tokens }: { tokens: TokenService }): PublishTickets {
  return {
    issue({ performerId: sub, streamId: stream }) {
      const token = tokens.sign('publish', { sub, stream }, TTL_SEC);
      return { token, expiresInSec: TTL_SEC };
    },
  };
}
