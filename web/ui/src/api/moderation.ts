// Looking after a room: settings and the queue, acts, the record of acts, moderators, reports.
import { call } from './http.js';
import { after } from './page.js';

export interface ChatSettings {
  /** Seconds between two messages of one person; 0 = off. */
  slow: number;
  unique: number;
  lock: boolean;
  /** True = no links. */
  links: boolean;
  emote: boolean;
  only: string[];
  review: 'off' | 'words' | 'links' | 'all';
  words: string[];
}

export interface Held {
  held: string;
  from: { id: string; name: string };
  text: string;
  reason: string;
}

export interface ModerationDesk {
  /** moderator, performer or admin. */
  role: string;
  settings: ChatSettings;
  held: Held[];
}

export interface Act {
  key: string;
  action: string;
  user?: string;
  offset?: number;
  held?: string;
  seconds?: number;
  reason?: string;
  settings?: Partial<ChatSettings>;
}

export interface ActRecord {
  id: number;
  /** Unix ms. */
  at: number;
  byName: string;
  action: string;
  user?: string;
  seconds?: number;
  reason?: string;
}

export interface RoomModerator {
  id: string;
  username: string;
}

export const reportReasons = [
  ['abuse', 'Insults or threats'],
  ['spam', 'Spam'],
  ['minor', 'A minor may be involved'],
  ['illegal', 'Something illegal'],
  ['privacy', 'Private data of somebody'],
  ['other', 'Something else'],
] as const;

export type ReportReason = (typeof reportReasons)[number][0];

export interface Report {
  id: string;
  slug: string;
  reporter: string;
  subject: 'message' | 'room';
  author: string;
  text: string;
  reason: string;
  note: string;
  state: 'open' | 'resolved' | 'dismissed';
  resolution: string | null;
  createdAt: string;
}

const at = (slug: string, rest: string): string => `/rooms/${encodeURIComponent(slug)}${rest}`;

export const fetchModeration = (slug: string): Promise<ModerationDesk> =>
  call('GET', at(slug, '/moderation'));

/** The same `key` never acts twice. */
export const moderate = (slug: string, act: Act): Promise<unknown> =>
  call('POST', at(slug, '/moderation/acts'), act);

export const fetchActs = (slug: string): Promise<{ records: ActRecord[] }> =>
  call('GET', at(slug, '/moderation/audit'));

export const fetchModerators = (slug: string): Promise<{ moderators: RoomModerator[] }> =>
  call('GET', at(slug, '/moderators'));

export const addModerator = (slug: string, username: string): Promise<unknown> =>
  call('POST', at(slug, '/moderators'), { username });

export const removeModerator = (slug: string, id: string): Promise<unknown> =>
  call('DELETE', at(slug, `/moderators/${encodeURIComponent(id)}`), {});

/** Of a message, or of the whole room where no message is named. */
export const sendReport = (
  slug: string,
  report: { mid?: string; author?: string; text?: string; reason: ReportReason; note?: string },
): Promise<unknown> => call('POST', at(slug, '/reports'), report);

/** In force now; `untilMs` null = until somebody lifts it. */
export interface Ban {
  user: string;
  name?: string;
  kind: 'ban' | 'mute' | 'shadow';
  untilMs: number | null;
  sinceMs: number;
  reason?: string;
  by?: string;
}

export const fetchBans = (slug: string, cursor?: string): Promise<{ bans: Ban[]; next?: string }> =>
  call('GET', `/rooms/${encodeURIComponent(slug)}/moderation/bans${after(cursor)}`);
