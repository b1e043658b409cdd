// The programme of a conference: uploads, options of rooms, and the refresh from its source. One
// process of the fleet looks at the source, all serve what it stored. An invalid programme never
// replaces one; the reason stands in the status.
import { coerceError, type Clock, type Logger } from '../../cluster/index.js';
import type { Actor } from '../admin/audit.js';
import type { Database } from '../db/database.js';
import { FieldsError, siteError, type FieldError } from '../errors.js';
import type { RoomCatalog } from '../rooms/room-catalog.js';
import { digest, problem } from './draft.js';
import { importDocument, importText } from './import-programme.js';
import {
  createProgrammeStore,
  type PlayerKind,
  type ProgrammeStatus,
  type Snapshot,
} from './programme-store.js';
import { readSource, SourceFault } from './source-reader.js';

export interface ProgrammeSettings {
  /** Path or http(s) address; empty = uploads, and what an admin sets on the site. */
  readonly source: string;
  readonly refreshSec: number;
  /** For sources that name no time zone. */
  readonly timeZone: string;
  /** Origins that frames and logos may come from. */
  readonly embedOrigins: readonly string[];
  /** Longest wait for a whole answer; default 10 s. */
  readonly sourceTimeoutMs?: number;
}

/** What an admin sets for a room of the programme. */
export interface RoomForm {
  readonly slug: string | null;
  readonly title: string;
  readonly logoUrl: string;
  readonly player: { readonly kind: PlayerKind; readonly ref: string };
  readonly hasChat: boolean;
}

export interface ProgrammeService {
  start(): void;
  stop(): void;
  /** By the clock that decides what is on. */
  nowMs(): number;
  /** @throws PROGRAMME_NOT_FOUND */
  current(): Promise<Snapshot>;
  /** undefined = there is none. */
  find(): Promise<Snapshot | undefined>;
  status(): Promise<ProgrammeStatus & { readonly source: string }>;
  /** Stays in force until the source changes. @throws PROGRAMME_INVALID with its problems */
  upload(document: unknown, actor: Actor): Promise<void>;
  /** Looks at the source now; the outcome is in the status. @throws PROGRAMME_NO_SOURCE */
  refresh(): Promise<void>;
  /** Looks when a look is due and no other process does. Never rejects. */
  refreshWhenDue(): Promise<void>;
  /**
   * From now on this address is the source, and it is looked at now; the outcome is in the status.
   * @param url http(s) on the public internet; empty = the source in the settings again
   */
  setSource(url: string, actor: Actor): Promise<void>;
  remove(actor: Actor): Promise<void>;
  /** @throws PROGRAMME_NOT_FOUND, ROOM_NOT_FOUND, BAD_INPUT */
  setRoom(key: string, form: RoomForm, actor: Actor): Promise<void>;
}

const TIMEOUT_MS = 10_000;
const UPLOAD = 'upload';

export function createProgrammeService(parts: {
  database: Database;
  catalog: RoomCatalog;
  settings: ProgrammeSettings;
  clock: Clock;
  log: Logger;
}): ProgrammeService {
  const { catalog, settings, log } = parts;
  const { timeZone, refreshSec, sourceTimeoutMs: timeoutMs = TIMEOUT_MS } = settings;
  const store = createProgrammeStore(parts);
  let timer: NodeJS.Timeout | undefined;

  async function current(): Promise<Snapshot> {
    const found = await store.current();
    if (found === undefined) throw siteError('PROGRAMME_NOT_FOUND');
    return found;
  }

  async function findSource(): Promise<Source> {
    const own = await store.sourceUrl();
    const source = own === '' ? settings.source : own;
    // The address may hold a token; status and log name the place alone.
    return { source, origin: placeOf(source), mayBeInside: own === '' };
  }

  async function look({ source, origin, mayBeInside }: Source): Promise<void> {
    const text = await readSource(source, { timeoutMs, mayBeInside });
    const sourceDigest = digest(text);
    const imported = importText(text, { timeZone });
    if (!imported.ok) {
      const { problems } = imported;
      log.warn({ event: 'programme.invalid', origin, problem: problems[0] });
      await store.note({ state: 'invalid', origin, problems });
      return;
    }
    if ((await store.sourceDigest()) === sourceDigest) {
      await store.note({ state: 'ok', origin, problems: [] });
      return;
    }
    await store.replace({ ...imported, origin, sourceDigest });
    log.info({ event: 'programme.replaced', origin, talks: imported.programme.talks.length });
  }

  async function refresh(): Promise<void> {
    const found = await findSource();
    const { origin } = found;
    if (found.source === '') throw siteError('PROGRAMME_NO_SOURCE');
    try {
      await look(found);
    } catch (thrown) {
      if (!(thrown instanceof SourceFault)) throw thrown;
      const { code, message } = thrown;
      log.warn({ event: 'programme.unreachable', origin, reason: message });
      const state = code === 'TOO_LARGE' ? 'invalid' : 'unreachable';
      await store.note({ state, origin, problems: [problem('', code, message)] });
    }
  }

  async function refreshWhenDue(): Promise<void> {
    try {
      if ((await findSource()).source === '') return;
      if (await store.claimCheck(refreshSec * 1_000)) await refresh();
    } catch (thrown) {
      log.warn({ event: 'programme.not_refreshed', err: coerceError(thrown) });
    }
  }

  return {
    start() {
      void refreshWhenDue();
      // Asks more often than a look is due, so that the turn of a process that died is taken over.
      timer = setInterval(() => void refreshWhenDue(), Math.min(refreshSec, 10) * 1_000);
    },
    stop: () => clearInterval(timer),
    nowMs: () => parts.clock.nowMs(),
    current,
    find: () => store.current(),
    async status() {
      const status = await store.status();
      const source = status.sourceUrl === '' ? settings.source : status.sourceUrl;
      return { ...status, source: placeOf(source) };
    },
    async upload(document, actor) {
      const imported = importDocument(document, { timeZone });
      if (imported.ok) {
        await store.replace({ ...imported, origin: UPLOAD, actor });
        return;
      }
      const { problems } = imported;
      await store.note({ state: 'invalid', origin: UPLOAD, problems });
      throw new FieldsError('PROGRAMME_INVALID', problems);
    },
    refresh,
    refreshWhenDue,
    async setSource(url, actor) {
      await store.setSource(url, actor);
      if ((await findSource()).source !== '') await refresh();
    },
    remove: (actor) => store.remove(actor),
    async setRoom(key, form, actor) {
      const { programme } = await current();
      if (!programme.rooms.some((one) => one.key === key)) throw siteError('PROGRAMME_NOT_FOUND');
      const faults = formFaults(form, settings.embedOrigins);
      if (faults.length > 0) throw new FieldsError('BAD_INPUT', faults);
      const { slug, title, logoUrl, player, hasChat } = form;
      const roomId = slug === null ? null : (await catalog.find(slug)).id;
      const { kind: playerKind, ref: playerRef } = player;
      const options = { roomId, title, logoUrl, playerKind, playerRef, hasChat };
      await store.setRoom(key, options, actor);
    },
  };
}

interface Source {
  readonly source: string;
  readonly origin: string;
  readonly mayBeInside: boolean;
}

function placeOf(source: string): string {
  if (!URL.canParse(source)) return source.slice(0, 300);
  const { origin, pathname } = new URL(source);
  return `${origin}${pathname}`.slice(0, 300);
}

const REFS: Readonly<Record<PlayerKind, RegExp>> = {
  none: /^$/,
  youtube: /^[A-Za-z0-9_-]{11}$/,
  vimeo: /^[0-9]{6,12}$/,
  frame: /^https:\/\/[!-~]+$/,
};

function formFaults({ player, logoUrl }: RoomForm, origins: readonly string[]): FieldError[] {
  const isOurs = (url: string): boolean =>
    URL.canParse(url) && origins.includes(new URL(url).origin);
  const faults: FieldError[] = [];
  if (!REFS[player.kind].test(player.ref)) {
    faults.push(problem('player.ref', 'INVALID', `This does not fit a player "${player.kind}".`));
  } else if (player.kind === 'frame' && !isOurs(player.ref)) {
    const words = 'Frames come from the origins in WEB_EMBED_ORIGINS alone.';
    faults.push(problem('player.ref', 'INVALID', words));
  }
  const isPath = /^(\/(?!\/)[!-~]*)?$/.test(logoUrl);
  if (!isPath && !isOurs(logoUrl)) {
    const words = 'A logo is a path on this site or of an origin in WEB_EMBED_ORIGINS.';
    faults.push(problem('logoUrl', 'INVALID', words));
  }
  return faults;
}
