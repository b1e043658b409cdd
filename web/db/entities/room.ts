// A model's room: what is shown, what it costs and under which name it streams. Whether it is live
// is not stored here: the stream directory knows. Of the stream key only the SHA-256 is kept.
import { defineEntity } from './define-entity.js';

/** What everybody pays: nothing, by the minute, or once at the door. */
export type ShowType = 'free' | 'paid' | 'ticket';

/** One thing that a tip of this size asks for. */
export interface TipMenuItem {
  readonly label: string;
  readonly amountMilli: string;
}

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
  showType: ShowType;
  /** Price of a ticket; counts for show type `ticket`. */
  ticketMilli: string;
  /** Price of a private show per minute; '0' = not offered. */
  privatePriceMilli: string;
  /** The least that a private show is charged for, seconds. */
  privateMinimumSec: number;
  /** Seconds at the start of a private show that are not charged. */
  privateGraceSec: number;
  /** Whose private show is on; null = none. */
  privateViewerId: string | null;
  /** Grows whenever free viewers lose the video; part of their signed paths. */
  freeEpoch: number;
  goalText: string;
  /** What the tips of a show are to reach; '0' = no goal. */
  goalMilli: string;
  tipMenu: readonly TipMenuItem[] | null;
  /** IANA name; the schedule is shown in it. */
  timeZone: string;
  /** Past shows, and the recordings that the model shows, are there for everybody. */
  hasPublicPast: boolean;
  /** Seconds after which billing ends a show; null = as the site has it. */
  showMaxSec: number | null;
  /** Seconds after which the visit of one viewer to a paid show ends; null = no limit. */
  visitMaxSec: number | null;
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
    showType: { name: 'show_type', type: 'varchar', length: 10, default: 'free' },
    ticketMilli: { name: 'ticket_milli', type: 'bigint', unsigned: true, default: 0 },
    privatePriceMilli: { name: 'private_price_milli', type: 'bigint', unsigned: true, default: 0 },
    privateMinimumSec: { name: 'private_minimum_sec', type: 'int', unsigned: true, default: 0 },
    privateGraceSec: { name: 'private_grace_sec', type: 'int', unsigned: true, default: 0 },
    privateViewerId: { name: 'private_viewer_id', type: 'bigint', unsigned: true, nullable: true },
    freeEpoch: { name: 'free_epoch', type: 'int', unsigned: true, default: 0 },
    goalText: { name: 'goal_text', type: 'varchar', length: 100, default: '' },
    goalMilli: { name: 'goal_milli', type: 'bigint', unsigned: true, default: 0 },
    tipMenu: { name: 'tip_menu', type: 'json', nullable: true },
    timeZone: { name: 'time_zone', type: 'varchar', length: 40, default: 'UTC' },
    hasPublicPast: { name: 'has_public_past', type: 'boolean', default: true },
    showMaxSec: { name: 'show_max_sec', type: 'int', unsigned: true, nullable: true },
    visitMaxSec: { name: 'visit_max_sec', type: 'int', unsigned: true, nullable: true },
  },
});
