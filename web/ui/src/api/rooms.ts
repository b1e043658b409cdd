// Rooms as viewers meet them: the list, one room, entering, leaving and tipping.
import { call } from './http.js';

/** `private`: a private show is on, at its own price. */
export type ShowType = 'free' | 'paid' | 'ticket' | 'private';

export interface Room {
  id: string;
  slug: string;
  title: string;
  topic: string;
  tags: string[];
  model: { id: string; name: string; about: string; avatarUrl: string | null };
  isLive: boolean;
  isPrivate: boolean;
  showType: ShowType;
  pricePerMinMilli: string;
  /** '0' but for shows with a ticket. */
  ticketMilli: string;
  /** Terms of a private show; null = not offered. */
  privateShow: { priceMilliPerMin: string; minimumSec: number; graceSec: number } | null;
  viewers: number;
  /** null = offline. */
  startedAt: string | null;
  lastLiveAt: string | null;
  /** Newest picture; null = no signal. */
  previewUrl: string | null;
}

export interface TipMenuItem {
  label: string;
  amountMilli: string;
}

export interface Slot {
  id: string;
  startsAt: string;
  endsAt: string;
  title: string;
}

export interface PastShow {
  id: string;
  title: string;
  showType: string;
  startedAt: string;
  /** null = it is still on. */
  endedAt: string | null;
  viewersMax: number;
}

export interface Profile {
  room: Room;
  bio: string;
  followers: number;
  /** IANA name of the model's time zone. */
  timeZone: string;
  tipMenu: TipMenuItem[];
  /** Running and coming shows, the next first. */
  schedule: Slot[];
  /** Newest first. */
  pastShows: PastShow[];
}

export interface RoomList {
  rooms: Room[];
  next?: string;
  /** `realtime`: who is live may be out of date. */
  unavailable?: string[];
}

/** Where a playlist is: an absolute address, or a port and path on the host of this page. */
export type HlsAddress = string | { port: number; path: string };

export interface Entry {
  /** Absent where strangers may watch but not see the chat. */
  ticket?: string;
  channel: string;
  level?: string;
  isLive?: boolean;
  streamId?: string | null;
  hlsUrl?: HlsAddress | null;
  sessionId?: string | null;
  priceMilliPerMin?: string | null;
  ticketMilli?: string | null;
  /** Milli-credits left when the session was opened. */
  balance?: string | null;
  grantedUntilMs?: number | null;
}

/** The visitor's consent to a price. The same `key` never opens a second session. */
export interface Acceptance {
  priceMilliPerMin: string;
  ticketMilli: string;
  key: string;
}

export interface TipReceipt {
  tipId: string;
  balance: string;
  duplicate: boolean;
}

const at = (slug: string, rest = ''): string => `/rooms/${encodeURIComponent(slug)}${rest}`;

export interface RoomQuery {
  filter: string;
  search: string;
  /** One tag; '' = any. */
  tag: string;
  /** 1 to 100. */
  limit: number;
}

export const fetchRooms = ({ filter, search, tag, limit }: RoomQuery): Promise<RoomList> => {
  const params = new URLSearchParams({ filter, limit: String(limit) });
  if (tag !== '') params.set('tag', tag);
  if (search !== '') params.set('q', search);
  return call('GET', `/rooms?${params.toString()}`);
};

export const fetchRoom = (slug: string): Promise<Room> => call('GET', at(slug));

export const fetchProfile = (slug: string): Promise<Profile> => call('GET', at(slug, '/profile'));

/** Tags of live rooms, the most used first. */
export const fetchTags = (): Promise<{ tags: { tag: string; rooms: number }[] }> =>
  call('GET', '/tags');

/** Answers 402 PAYMENT_REQUIRED for a paid room that has not been accepted. */
export const enterRoom = (slug: string, acceptance?: Acceptance): Promise<Entry> =>
  call('POST', at(slug, '/enter'), acceptance ? { accept: true, ...acceptance } : {});

export const leaveRoom = (slug: string, sessionId: string): Promise<unknown> =>
  call('POST', at(slug, '/leave'), { sessionId });

export const renewPlaylist = (
  slug: string,
  sessionId: string | undefined,
): Promise<{ hlsUrl?: HlsAddress | null }> =>
  call('POST', at(slug, '/hls'), sessionId === undefined ? {} : { sessionId });

/** Sending the same `key` again never pays twice. */
export const sendTip = (
  slug: string,
  tip: { key: string; amountMilli: string; text?: string; note?: string },
): Promise<TipReceipt> => call('POST', at(slug, '/tips'), tip);

export function resolveHls(address: HlsAddress | null | undefined): string | undefined {
  if (address === null || address === undefined || address === '') return undefined;
  if (typeof address === 'string') return new URL(address, location.href).href;
  const url = new URL(address.path, location.href);
  url.port = String(address.port);
  return url.href;
}
