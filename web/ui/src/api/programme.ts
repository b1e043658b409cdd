// What a conference plays: the whole programme, what is on now and next, and its care.
import { call } from './http.js';

export interface ProgrammeRoom {
  key: string;
  title: string;
  /** IANA name. */
  timeZone: string;
  /** Empty = none. */
  logoUrl: string;
  /** Its room on this site. */
  slug: string | null;
  /** Player of another site; null = our own. */
  playerUrl: string | null;
  hasChat: boolean;
  isActive: boolean;
}

export interface Talk {
  guid: string;
  title: string;
  subtitle: string;
  speakers: string[];
  abstract: string;
  track: string;
  /** http(s); empty = none. */
  url: string;
  /** Key of its room. */
  room: string;
  /** ISO 8601 with the offset of the room's zone. */
  startsAt: string;
  endsAt: string;
}

export type Stage = Omit<Talk, 'room' | 'startsAt' | 'endsAt'> & {
  kind: 'talk' | 'break' | 'before' | 'not-started' | 'finished' | 'nothing' | 'after';
  /** null = since or for ever. */
  startsAt: string | null;
  endsAt: string | null;
};

export interface NowNext {
  room: ProgrammeRoom;
  now: Stage;
  next: Stage | null;
  nextTalk: Stage | null;
}

export interface Programme {
  title: string;
  timeZone: string;
  version: string;
  rooms: ProgrammeRoom[];
  /** In order; `date` is `2026-12-27`. */
  days: { date: string; startsAt: string; endsAt: string }[];
  /** By start. */
  talks: Talk[];
}

export interface Fault {
  field: string;
  code: string;
  message: string;
}

export type PlayerKind = 'none' | 'youtube' | 'vimeo' | 'frame';

/** What a room of the programme is on this site. */
export interface RoomOptions {
  slug: string | null;
  /** Empty = the name in the programme. */
  title: string;
  logoUrl: string;
  player: { kind: PlayerKind; ref: string };
  hasChat: boolean;
}

export interface ProgrammeStatus {
  /** Without its query; empty = uploads only. */
  source: string;
  /** Set by an admin, not in the settings of the site. */
  isOwnSource: boolean;
  origin: string;
  loadedAt: string | null;
  warnings: Fault[];
  check: {
    state: 'none' | 'ok' | 'invalid' | 'unreachable';
    origin: string;
    at: string | null;
    problems: Fault[];
  };
  programme: {
    title: string;
    version: string;
    timeZone: string;
    days: number;
    talks: number;
    rooms: (RoomOptions & { key: string; name: string })[];
  } | null;
}

const admin = '/admin/programme';

/** Answers 404 PROGRAMME_NOT_FOUND without one. */
export const fetchProgramme = (): Promise<Programme> => call('GET', '/programme');
/** Empty without a programme. */
export const fetchNow = (): Promise<{ rooms: NowNext[] }> => call('GET', '/programme/now');

export const fetchProgrammeStatus = (): Promise<ProgrammeStatus> => call('GET', admin);
export const uploadProgramme = (document: unknown): Promise<ProgrammeStatus> =>
  call('PUT', admin, document);
export const removeProgramme = (): Promise<unknown> => call('DELETE', admin);
export const refreshProgramme = (): Promise<ProgrammeStatus> => call('POST', `${admin}/refresh`);
/** Empty = the source in the settings again. */
export const setProgrammeSource = (url: string): Promise<ProgrammeStatus> =>
  call('PUT', `${admin}/source`, { url });
export const setProgrammeRoom = (key: string, options: RoomOptions): Promise<unknown> =>
  call('PUT', `${admin}/rooms/${encodeURIComponent(key)}`, options);
