// What rooms cost and which stream key belongs to which stream. SQL is the truth; each process
// remembers rows for a few seconds, forgets them when the bus says so, and lives on old ones while
// SQL is away.
import { AppError, type Clock } from '../cluster/index.js';
import { bigintOf, type Database, type Row, type Sql, textOf } from './database.js';
import { billingError } from './errors.js';
import { isMetered } from './price.js';
import { parseTariff, perMinute, type Tariff, tariffText } from './tariff.js';

export interface RoomTerms {
  readonly roomId: string;
  readonly performerId: string;
  readonly streamId: string;
  readonly priceMilliPerMin: bigint;
  readonly isActive: boolean;
  /** Without the payee's share, which is taken from the settings when a session opens. */
  readonly tariff: Tariff;
  /** Longest show of the publisher, ms; 0 = no limit, undefined = as the site has it. */
  readonly showMaxMs: number | undefined;
  /** Grows with every change of the terms. */
  readonly version: number;
}

/** A viewer may watch without a session. */
export function isFree({ tariff }: RoomTerms): boolean {
  return !isMetered(tariff);
}

const FRESH_MS = 3_000;
const ROWS_MAX = 50_000;

export class TermsStore {
  private readonly rooms = new Map<string, { atMs: number; terms: RoomTerms | undefined }>();
  private readonly keys = new Map<string, { atMs: number; streamId: string }>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  byRoom(roomId: string): Promise<RoomTerms | undefined> {
    return this.load(`room:${roomId}`, 'SELECT * FROM room_terms WHERE room = ?', roomId);
  }

  byStream(streamId: string): Promise<RoomTerms | undefined> {
    return this.load(
      `stream:${streamId}`,
      'SELECT * FROM room_terms WHERE stream_id = ?',
      streamId,
    );
  }

  /**
   * Stream of a key that is not revoked. Asked afresh each time; an old answer only while SQL is
   * away.
   */
  async streamOfKey(keyHash: string): Promise<string | undefined> {
    try {
      const [row] = await this.database.query(
        'SELECT stream_id FROM stream_key WHERE key_hash = ? AND revoked_ms IS NULL',
        [keyHash],
      );
      if (row === undefined) {
        this.keys.delete(keyHash);
        return undefined;
      }
      const streamId = textOf(row, 'stream_id');
      remember(this.keys, keyHash, { atMs: this.clock.nowMs(), streamId });
      return streamId;
    } catch (thrown) {
      const known = this.keys.get(keyHash);
      if (known === undefined || !(thrown instanceof AppError)) throw thrown;
      return known.streamId;
    }
  }

  /** Stream that a key opens or opened: a done event may come after its key was replaced. */
  async streamOfAnyKey(keyHash: string): Promise<string | undefined> {
    const [row] = await this.database.query('SELECT stream_id FROM stream_key WHERE key_hash = ?', [
      keyHash,
    ]);
    return row === undefined ? undefined : textOf(row, 'stream_id');
  }

  /** @returns the terms before and after */
  async putRoom(
    terms: Omit<RoomTerms, 'version' | 'showMaxMs'>,
  ): Promise<{ before: RoomTerms | undefined; after: RoomTerms }> {
    const select = 'SELECT * FROM room_terms WHERE room = ?';
    const [before] = await this.database.query(select, [terms.roomId]);
    const { roomId, performerId, streamId, priceMilliPerMin, isActive, tariff } = terms;
    await this.database.run(
      `INSERT INTO room_terms (room, performer, stream_id, price_milli_per_min, is_active, tariff,
         updated_ms)
       VALUES (?) ON DUPLICATE KEY UPDATE performer = VALUES(performer), stream_id = VALUES(stream_id),
         price_milli_per_min = VALUES(price_milli_per_min), is_active = VALUES(is_active),
         tariff = VALUES(tariff), updated_ms = GREATEST(VALUES(updated_ms), updated_ms + 1)`,
      [
        [
          ...[roomId, performerId, streamId, String(priceMilliPerMin), isActive ? 1 : 0],
          ...[tariffText(tariff), this.clock.nowMs()],
        ],
      ],
    );
    this.forget();
    const [after] = await this.database.query(select, [roomId]);
    if (after === undefined) throw billingError('BILLING_ROOM_UNKNOWN', { room: roomId });
    return { before: before === undefined ? undefined : toTerms(before), after: toTerms(after) };
  }

  /**
   * @param maxMs undefined = as the site has it. @throws AppError BILLING_ROOM_UNKNOWN
   */
  async putShowLimit(
    roomId: string,
    maxMs: number | undefined,
    sql: Sql = this.database,
  ): Promise<void> {
    const [room] = await sql.query('SELECT room FROM room_terms WHERE room = ?', [roomId]);
    if (room === undefined) throw billingError('BILLING_ROOM_UNKNOWN', { room: roomId });
    await sql.run('UPDATE room_terms SET show_max_ms = ? WHERE room = ?', [
      ...[maxMs ?? null, roomId],
    ]);
    this.forget();
  }

  /**
   * Makes this the only key of the stream.
   * @returns false when it was already. @throws AppError BILLING_KEY_TAKEN when another stream has
   * it
   */
  async putKey({ streamId, keyHash }: { streamId: string; keyHash: string }): Promise<boolean> {
    const now = this.clock.nowMs();
    const isNew = await this.database.transaction('READ COMMITTED', async (sql) => {
      const [known] = await sql.query(
        'SELECT stream_id, revoked_ms FROM stream_key WHERE key_hash = ? FOR UPDATE',
        [keyHash],
      );
      if (known !== undefined) {
        const isOurs = textOf(known, 'stream_id') === streamId && known['revoked_ms'] === null;
        if (!isOurs) throw billingError('BILLING_KEY_TAKEN');
        return false;
      }
      await sql.run(
        'UPDATE stream_key SET revoked_ms = ? WHERE stream_id = ? AND revoked_ms IS NULL',
        [now, streamId],
      );
      await sql.run('INSERT INTO stream_key (key_hash, stream_id, created_ms) VALUES (?)', [
        [keyHash, streamId, now],
      ]);
      return true;
    });
    this.forget();
    return isNew;
  }

  /** Something changed somewhere; the next question goes to SQL. */
  forget(): void {
    this.rooms.clear();
    this.keys.clear();
  }

  private async load(
    cacheKey: string,
    query: string,
    value: string,
  ): Promise<RoomTerms | undefined> {
    const known = this.rooms.get(cacheKey);
    const now = this.clock.nowMs();
    if (known !== undefined && now - known.atMs < FRESH_MS) return known.terms;
    try {
      const [row] = await this.database.query(query, [value]);
      const terms = row === undefined ? undefined : toTerms(row);
      remember(this.rooms, cacheKey, { atMs: now, terms });
      return terms;
    } catch (thrown) {
      if (known === undefined || !(thrown instanceof AppError)) throw thrown;
      return known.terms;
    }
  }
}

function toTerms(row: Row): RoomTerms {
  const price = bigintOf(row, 'price_milli_per_min');
  const tariff = textOf(row, 'tariff');
  return {
    roomId: textOf(row, 'room'),
    performerId: textOf(row, 'performer'),
    streamId: textOf(row, 'stream_id'),
    priceMilliPerMin: price,
    isActive: Number(row['is_active']) === 1,
    tariff: tariff === '' ? perMinute(price, 0) : parseTariff(tariff),
    showMaxMs: row['show_max_ms'] === null ? undefined : Number(row['show_max_ms']),
    version: Number(row['updated_ms']),
  };
}

/** Bounded: the oldest entry makes room. */
function remember<T>(cache: Map<string, T>, key: string, value: T): void {
  cache.delete(key);
  cache.set(key, value);
  if (cache.size > ROWS_MAX) {
    const oldest = cache.keys().next().value;
    if (oldest !== undefined) cache.delete(oldest);
  }
}
