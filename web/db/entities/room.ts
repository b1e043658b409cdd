// A model's room: what is shown, what it costs and under which name it streams. Whether it is live
// is not stored here: the stream directory knows. Of the stream key only the SHA-256 is kept.
import { defineEntity } from './define-entity.js';

export interface Room {
  readonly id: string;
  readonly performerId: string;
  /** Lower case, in addresses: /r/<slug>. */
  slug: string;
  title: string;
  topic: string;
  /** Milli-credits per minute as a decimal string; '0' is free. */
  priceMilliPerMin: string;
  /** Public playback name, 22 random base64url characters; never the key. */
  readonly streamId: string;
  keyHash: string | null;
  keyMask: string | null;
  isArchived: boolean;
  isPrivate: boolean;
  /** Whether visitors without an account may enter. */
  allowAnons: boolean;
  /** Whether visitors without an account get the chat. */
  anonsSeeChat: boolean;
  readonly createdAt: Date;
  updatedAt: Date;
  lastLiveAt: Date | null;
  /** Last on the air, or created; lists are sorted by it. */
  recentAt: Date;
}

export const RoomEntity = defineEntity<Room>({
  name: 'Room',
  tableName: 'room',
  columns: {
    id: { type: 'bigint', unsigned: true, primary: true, generated: 'increment' },
    performerId: { name: 'performer_id', type: 'bigint', unsigned: true },
    slug: { type: 'varchar', length: 30 },
    title: { type: 'varchar', length: 80 },
    topic: { type: 'varchar', length: 200 },
    priceMilliPerMin: { name: 'price_milli_per_min', type: 'bigint', unsigned: true },
    streamId: { name: 'stream_id', type: 'char', length: 22 },
    keyHash: { name: 'key_hash', type: 'char', length: 64, nullable: true },
    keyMask: { name: 'key_mask', type: 'varchar', length: 16, nullable: true },
    isArchived: { name: 'is_archived', type: 'boolean', default: false },
    isPrivate: { name: 'is_private', type: 'boolean', default: false },
    allowAnons: { name: 'allow_anons', type: 'boolean', default: true },
    anonsSeeChat: { name: 'anons_see_chat', type: 'boolean', default: true },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
    updatedAt: { name: 'updated_at', type: 'datetime', precision: 3 },
    lastLiveAt: { name: 'last_live_at', type: 'datetime', precision: 3, nullable: true },
    recentAt: { name: 'recent_at', type: 'datetime', precision: 3 },
  },
});
