// The programme in MySQL: one row for the whole fleet, and the options of its rooms. Processes keep
// the parsed document and look for a newer one at most once a second; without the database they go
// on with what they have.
import type { Clock } from '../../cluster/index.js';
import { recordAudit, type Actor } from '../admin/audit.js';
import type { Database } from '../db/database.js';
import type { AuditEntry } from '../db/entities/audit.js';
import type { FieldError } from '../errors.js';
import { createBriefCache } from '../rooms/brief-cache.js';
import { digest } from './draft.js';
import type { Programme } from './programme.js';
import { createTimeline, type TimelineSlot } from './timeline.js';

export type PlayerKind = 'none' | 'youtube' | 'vimeo' | 'frame';

export interface RoomOptions {
  /** Id of the room of this site; null = none. */
  readonly roomId: string | null;
  /** Where that room is; null = none. */
  readonly slug: string | null;
  readonly streamId: string | null;
  /** Instead of the name in the programme; empty = that name. */
  readonly title: string;
  readonly logoUrl: string;
  readonly playerKind: PlayerKind;
  /** Id at the player, or the address of a frame. */
  readonly playerRef: string;
  readonly hasChat: boolean;
}

export interface Snapshot {
  readonly digest: string;
  readonly programme: Programme;
  readonly loadedAt: Date;
  readonly options: ReadonlyMap<string, RoomOptions>;
  /** Slots of each room by its key. */
  readonly timelines: ReadonlyMap<string, readonly TimelineSlot[]>;
}

export type CheckState = 'none' | 'ok' | 'invalid' | 'unreachable';

export interface ProgrammeStatus {
  readonly origin: string;
  readonly loadedAt: Date | null;
  readonly warnings: readonly FieldError[];
  /** How the last look at a source or upload went. */
  readonly checkState: CheckState;
  readonly checkOrigin: string;
  readonly checkedAt: Date | null;
  readonly problems: readonly FieldError[];
  /** Set on the site instead of the one in the settings; empty = none. */
  readonly sourceUrl: string;
}

export interface ProgrammeStore {
  /** undefined = there is none. @throws DATABASE_UNAVAILABLE before the first look. */
  current(): Promise<Snapshot | undefined>;
  status(): Promise<ProgrammeStatus>;
  /** Puts it in force; every process serves it within a second. */
  replace(next: {
    programme: Programme;
    warnings: readonly FieldError[];
    origin: string;
    /** Of the bytes of the source; absent for uploads. */
    sourceDigest?: string;
    actor?: Actor;
  }): Promise<void>;
  /** Remembers a look that changed nothing. */
  note(check: {
    state: CheckState;
    origin: string;
    problems: readonly FieldError[];
  }): Promise<void>;
  /** True for one process when a look is due; the others wait for the next. */
  claimCheck(everyMs: number): Promise<boolean>;
  sourceDigest(): Promise<string | null>;
  /** As in the status. */
  sourceUrl(): Promise<string>;
  /** The next look takes up what stands there, whatever was read before. Empty = none. */
  setSource(url: string, actor: Actor): Promise<void>;
  remove(actor: Actor): Promise<void>;
  setRoom(
    key: string,
    options: Omit<RoomOptions, 'slug' | 'streamId'>,
    actor: Actor,
  ): Promise<void>;
}

const CACHE_MS = 1_000;
const HEAD = 'SELECT digest, loaded_at AS loadedAt FROM programme WHERE id = 1';
const DOCUMENT = 'SELECT document FROM programme WHERE id = 1 AND digest = ?';
const OPTIONS = `SELECT p.room_key AS roomKey, r.id AS roomId, r.slug, r.stream_id AS streamId,
  p.title, p.logo_url AS logoUrl, p.player_kind AS playerKind, p.player_ref AS playerRef,
  p.has_chat AS hasChat FROM programme_room p
  LEFT JOIN room r ON r.id = p.room_id AND r.is_archived = 0 ORDER BY p.room_key LIMIT 500`;
const STATUS = `SELECT origin, loaded_at AS loadedAt, warnings, check_state AS checkState,
  check_origin AS checkOrigin, checked_at AS checkedAt, problems, source_url AS sourceUrl FROM programme WHERE id = 1`;
const REPLACE = `UPDATE programme SET digest = ?, document = ?, origin = ?, loaded_at = ?,
  warnings = ?, source_digest = COALESCE(?, source_digest), check_state = 'ok',
  check_origin = ?, checked_at = ?, problems = NULL WHERE id = 1`;
const NOTE = `UPDATE programme SET check_state = ?, check_origin = ?, checked_at = ?, problems = ?
  WHERE id = 1`;
const REMOVE = `UPDATE programme SET digest = NULL, document = NULL, origin = '', loaded_at = NULL,
  warnings = NULL, source_digest = NULL WHERE id = 1`;
const SET_SOURCE = 'UPDATE programme SET source_url = ?, source_digest = NULL WHERE id = 1';
const CLAIM = 'UPDATE programme SET next_check_at = ? WHERE id = 1 AND next_check_at <= ?';
const SET_ROOM = `REPLACE INTO programme_room
  (room_key, room_id, title, logo_url, player_kind, player_ref, has_chat, updated_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

type OptionRow = Omit<RoomOptions, 'hasChat'> & { roomKey: string; hasChat: number };
type Loaded = Omit<Snapshot, 'options' | 'loadedAt'>;

export function createProgrammeStore(parts: { database: Database; clock: Clock }): ProgrammeStore {
  const { database, clock } = parts;
  const brief = createBriefCache<Snapshot | undefined>({ clock, ttlMs: CACHE_MS, entriesMax: 1 });
  let loaded: Loaded | undefined;
  let last: { readonly snapshot: Snapshot | undefined } | undefined;
  const now = (): Date => new Date(clock.nowMs());

  async function load(): Promise<Snapshot | undefined> {
    const [head] = await database.rows<{ digest: string | null; loadedAt: Date | null }>(HEAD);
    if (head === undefined || head.digest === null || head.loadedAt === null) return undefined;
    if (loaded?.digest !== head.digest) {
      const [row] = await database.rows<{ document: string }>(DOCUMENT, [head.digest]);
      // Replaced between the two questions: the next look finds the new one.
      if (row === undefined) return last?.snapshot;
      loaded = prepare(head.digest, JSON.parse(row.document) as Programme);
    }
    const rows = await database.rows<OptionRow>(OPTIONS);
    const options = new Map(
      rows.map(({ roomKey, hasChat, ...rest }) => [roomKey, { ...rest, hasChat: hasChat === 1 }]),
    );
    return { ...loaded, loadedAt: head.loadedAt, options };
  }

  async function loadOrKeep(): Promise<Snapshot | undefined> {
    try {
      last = { snapshot: await load() };
    } catch (thrown) {
      if (last === undefined) throw thrown;
    }
    return last.snapshot;
  }

  const audit = (
    action: string,
    subjectId: string,
    actor: Actor,
    detail: AuditEntry['detail'],
  ) => ({
    ...{ actor, action, subjectType: 'programme' as const, subjectId },
    detail,
    createdAt: now(),
  });

  return {
    current: () => brief.get('', loadOrKeep),

    async status() {
      const [row] = await database.rows<StatusRow>(STATUS);
      if (row === undefined) throw new Error('the row of the programme is missing');
      return { ...row, warnings: readList(row.warnings), problems: readList(row.problems) };
    },

    async replace({ programme, warnings, origin, sourceDigest, actor }) {
      const document = JSON.stringify(programme);
      const [at, sum] = [now(), digest(document)];
      await database.transaction(async (manager) => {
        await manager.query(REPLACE, [
          ...[sum, document, origin, at, JSON.stringify(warnings), sourceDigest ?? null],
          ...[origin, at],
        ]);
        if (actor === undefined) return;
        await recordAudit(manager, audit('programme.uploaded', '1', actor, { digest: sum }));
      });
      brief.clear();
    },

    async note({ state, origin, problems }) {
      const found = problems.length === 0 ? null : JSON.stringify(problems);
      await database.rows(NOTE, [state, origin, now(), found]);
    },

    async claimCheck(everyMs) {
      const next = new Date(clock.nowMs() + everyMs);
      const claimed: unknown = await database.rows(CLAIM, [next, now()]);
      return changedRows(claimed) === 1;
    },

    async sourceDigest() {
      const [row] = await database.rows<{ sum: string | null }>(
        'SELECT source_digest AS sum FROM programme WHERE id = 1',
      );
      return row?.sum ?? null;
    },

    async sourceUrl() {
      const [row] = await database.rows<{ url: string }>(
        'SELECT source_url AS url FROM programme WHERE id = 1',
      );
      return row?.url ?? '';
    },

    async setSource(url, actor) {
      await database.transaction(async (manager) => {
        await manager.query(SET_SOURCE, [url]);
        const { origin = '' } = URL.canParse(url) ? new URL(url) : {};
        await recordAudit(manager, audit('programme.source', '1', actor, { origin }));
      });
    },

    async remove(actor) {
      await database.transaction(async (manager) => {
        await manager.query(REMOVE);
        await recordAudit(manager, audit('programme.removed', '1', actor, {}));
      });
      brief.clear();
    },

    async setRoom(key, options, actor) {
      const { roomId, title, logoUrl, playerKind, playerRef, hasChat } = options;
      await database.transaction(async (manager) => {
        await manager.query(SET_ROOM, [
          ...[key, roomId, title, logoUrl, playerKind, playerRef, hasChat ? 1 : 0, now()],
        ]);
        await recordAudit(
          manager,
          audit('programme.room', key, actor, { ...options, roomId: roomId ?? '' }),
        );
      });
      brief.clear();
    },
  };
}

function prepare(sum: string, programme: Programme): Loaded {
  const timelines = new Map(
    programme.rooms.map(({ key }) => [key, createTimeline(programme, key)]),
  );
  return { digest: sum, programme, timelines };
}

type StatusRow = Omit<ProgrammeStatus, 'warnings' | 'problems'> & {
  readonly warnings: unknown;
  readonly problems: unknown;
};

/** MariaDB gives JSON as text, MySQL as values. */
function readList(value: unknown): FieldError[] {
  const list: unknown = typeof value === 'string' ? JSON.parse(value) : value;
  return Array.isArray(list) ? (list as FieldError[]) : [];
}

function changedRows(result: unknown): number {
  const { affectedRows } = result as { affectedRows?: number };
  return affectedRows ?? 0;
}
