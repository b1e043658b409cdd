// A viewer's wish for a private show. Its terms are those that the viewer saw. Invariant: a viewer
// has at most one open request in a room (openViewerId is unique while it is not null).
import { defineEntity } from './define-entity.js';

/** `accepted`: the show is on, `ended`: it was; `expired` and `cancelled` never came to one. */
export type PrivateState = 'open' | 'accepted' | 'refused' | 'cancelled' | 'expired' | 'ended';

export interface PrivateRequest {
  readonly id: string;
  readonly roomId: string;
  readonly viewerId: string;
  openViewerId: string | null;
  readonly note: string;
  readonly priceMilli: string;
  readonly minimumSec: number;
  readonly graceSec: number;
  state: PrivateState;
  reason: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  decidedAt: Date | null;
  endedAt: Date | null;
  /** Newest billing session of the viewer in the show; null = has not come in yet. */
  sessionId: string | null;
}

export const PrivateRequestEntity = defineEntity<PrivateRequest>({
  name: 'PrivateRequest',
  tableName: 'private_request',
  columns: {
    id: { type: 'bigint', unsigned: true, primary: true, generated: 'increment' },
    roomId: { name: 'room_id', type: 'bigint', unsigned: true },
    viewerId: { name: 'viewer_id', type: 'bigint', unsigned: true },
    openViewerId: { name: 'open_viewer_id', type: 'bigint', unsigned: true, nullable: true },
    note: { type: 'varchar', length: 200 },
    priceMilli: { name: 'price_milli', type: 'bigint', unsigned: true },
    minimumSec: { name: 'minimum_sec', type: 'int', unsigned: true },
    graceSec: { name: 'grace_sec', type: 'int', unsigned: true },
    state: { type: 'varchar', length: 10 },
    reason: { type: 'varchar', length: 200, nullable: true },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
    expiresAt: { name: 'expires_at', type: 'datetime', precision: 3 },
    decidedAt: { name: 'decided_at', type: 'datetime', precision: 3, nullable: true },
    endedAt: { name: 'ended_at', type: 'datetime', precision: 3, nullable: true },
    sessionId: { name: 'session_id', type: 'char', length: 26, nullable: true },
  },
});
