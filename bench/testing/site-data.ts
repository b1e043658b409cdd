// Accounts, rooms with tags, schedule and past shows, and followers, written straight into the
// tables of the site: through its services the passwords alone would take a minute.
import { randomBytes } from 'node:crypto';
import { createConnection, type Connection } from 'mysql2/promise';
import type { RedisClient } from '../../cluster/index.js';
import { LiveLeases } from '../../rtmp/directory.js';
import { hashPassword } from '../../web/accounts/password.js';
import { SITE_SCHEMA } from '../../web/db/schema.js';

export interface SiteData {
  readonly password: string;
  readonly passwordHash: string;
  /** Ids of viewers; `viewer<id>` are their names. */
  readonly viewerIds: readonly string[];
  readonly rooms: readonly SiteRoom[];
  /** Rooms on the air. */
  readonly live: number;
}

export interface SiteRoom {
  readonly id: string;
  readonly slug: string;
  readonly performerId: string;
  readonly streamId: string;
}

const ROOMS = 200;
const PAST_SHOWS = 20;
const PERFORMERS_FROM = 1_000_000;
const TAGS = ['music', 'talk', 'games', 'art', 'english', 'deutsch', 'new', 'cooking'];
const SHOW_MS = 3_600_000;
const DAY_MS = 86_400_000;

export async function openSiteTables(url: string): Promise<Connection> {
  const sql = await createConnection({ uri: url });
  await sql.query(`USE ${SITE_SCHEMA}`);
  return sql;
}

export async function fillSite(sql: Connection, viewers: number): Promise<SiteData> {
  const password = 'correct horse battery';
  const passwordHash = await hashPassword(password);
  const now = new Date();
  const viewerIds = Array.from({ length: viewers }, (_, at) => String(at + 1));
  const rooms = Array.from({ length: ROOMS }, (_, at) => ({
    ...{ id: String(at + 1), slug: `model${at + 1}`, performerId: String(PERFORMERS_FROM + at) },
    streamId: randomBytes(16).toString('base64url'),
  }));
  const account = (id: string, name: string, isModel: boolean): unknown[] => [
    ...[id, name, `${name}@example.org`, passwordHash, isModel, 'active', now, now],
  ];
  await sql.query(
    `INSERT INTO user (id, username, email, password_hash, is_model, status, created_at,
       email_confirmed_at) VALUES ?`,
    [
      [
        ...viewerIds.map((id) => account(id, `viewer${id}`, false)),
        ...rooms.map((room) => account(room.performerId, room.slug, true)),
      ],
    ],
  );
  await sql.query(
    `INSERT INTO model_profile (user_id, display_name, about, state, applied_at, decided_at)
     VALUES ?`,
    [
      rooms.map((room) => [
        room.performerId,
        room.slug,
        'About me. '.repeat(20),
        'approved',
        now,
        now,
      ]),
    ],
  );
  await sql.query(
    `INSERT INTO room (id, performer_id, slug, title, topic, price_milli_per_min, stream_id,
       created_at, updated_at, recent_at, last_live_at) VALUES ?`,
    [
      rooms.map((room, at) => [
        ...[room.id, room.performerId, room.slug, `Live with ${room.slug}`, 'Talk and music', 0],
        ...[room.streamId, now, now, new Date(now.getTime() - at * 60_000), now],
      ]),
    ],
  );
  await fillRooms(sql, { rooms, viewerIds, now });
  return { password, passwordHash, viewerIds, rooms, live: 0 };
}

async function fillRooms(
  sql: Connection,
  data: {
    readonly rooms: readonly SiteRoom[];
    readonly viewerIds: readonly string[];
    readonly now: Date;
  },
): Promise<void> {
  const { rooms, viewerIds, now } = data;
  const moved = (ms: number): Date => new Date(now.getTime() + ms);
  const perRoom = <T>(count: number, row: (id: string, at: number) => T): T[] =>
    rooms.flatMap(({ id }) => Array.from({ length: count }, (_, at) => row(id, at)));
  const tagOf = (id: string, at: number): string => TAGS[(Number(id) + at) % TAGS.length] ?? '';
  await sql.query('INSERT INTO room_tag (room_id, tag) VALUES ?', [
    perRoom(4, (id, at) => [id, tagOf(id, at)]),
  ]);
  await sql.query(
    'INSERT INTO show_slot (room_id, starts_at, ends_at, title, created_at) VALUES ?',
    [
      perRoom(7, (id, at) => [
        ...[id, moved((at + 1) * DAY_MS), moved((at + 1) * DAY_MS + 3_600_000), 'Evening', now],
      ]),
    ],
  );
  await sql.query(
    `INSERT INTO broadcast (room_id, title, show_type, started_at, ended_at, viewers_max)
     VALUES ?`,
    [
      perRoom(PAST_SHOWS, (id, at) => [
        ...[id, 'Live', 'free', moved(-(at + 1) * DAY_MS), moved(-at * DAY_MS - 3_600_000), 40],
      ]),
    ],
  );
  const followers = viewerIds.slice(0, 100);
  await sql.query('INSERT INTO follow (room_id, user_id, created_at) VALUES ?', [
    rooms.flatMap(({ id }) => followers.map((user) => [id, user, now])),
  ]);
}

/** Puts every second room on the air for an hour. @returns how many */
export async function airRooms(redis: RedisClient, { rooms }: SiteData): Promise<number> {
  const leases = new LiveLeases(redis);
  const live = rooms.filter((_room, at) => at % 2 === 0);
  for (const { streamId } of live) {
    const row = {
      ...{ streamId, nodeId: 'rtmp-1', hlsUrlBase: 'http://:8082', startedAtMs: Date.now() },
      ...{ viewers: 12, notes: [] },
    };
    await leases.renew({ fence: 1, ttlMs: SHOW_MS, row });
  }
  return live.length;
}

/** Open orders of viewers, as a checkout leaves them. @returns their ids */
export async function openOrders(
  sql: Connection,
  { userIds, count }: { readonly userIds: readonly string[]; readonly count: number },
): Promise<readonly string[]> {
  const random = (): string => randomBytes(16).toString('base64url');
  const ids = Array.from({ length: count }, random);
  await sql.query(
    `INSERT INTO purchase (id, user_id, command_key, package_id, amount_milli, price_cents,
       currency, provider, state, created_at) VALUES ?`,
    [
      ids.map((id, at) => [
        ...[id, userIds[at % userIds.length], randomBytes(32).toString('base64url')],
        ...['small', 100_000, 999, 'EUR', 'stripe', 'open', new Date()],
      ]),
    ],
  );
  return ids;
}
