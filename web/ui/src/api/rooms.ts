// Rooms as viewers meet them: the list, one room, entering, leaving and tipping.
import { call } from './http.js';

export interface Room {
  id: string;
  slug: string;
  title: string;
  topic: string;
  model: { name: string };
  isLive: boolean;
  isPrivate?: boolean;
  pricePerMinMilli: string;
  viewers: number;
  previewUrl?: string | null;
}

export interface RoomList {
  rooms: Room[];
  next?: string | null;
}

/** Where a playlist is: an absolute address, or a port and path on the host of this page. */
export type HlsAddress = string | { port: number; path: string };

export interface Entry {
  ticket: string;
  channel: string;
  streamId?: string | null;
  hlsUrl?: HlsAddress | null;
  sessionId?: string | null;
  priceMilliPerMin?: string | null;
  grantedUntilMs?: number | null;
}

export interface TipReceipt {
  tipId?: string;
  balance?: string | { amount: string; held?: string; version?: number } | null;
}

const at = (slug: string, rest = ''): string => `/rooms/${encodeURIComponent(slug)}${rest}`;

export const fetchRooms = (): Promise<RoomList> => call('GET', '/rooms');

export const fetchRoom = async (slug: string): Promise<Room> => {
  const answer = await call<Room | { room: Room }>('GET', at(slug));
  return 'room' in answer ? answer.room : answer;
};

/** Answers 402 PAYMENT_REQUIRED for a paid room unless `accept` is true. */
export const enterRoom = (slug: string, accept: boolean): Promise<Entry> =>
  call('POST', at(slug, '/enter'), accept ? { accept: true } : {});

export const leaveRoom = (slug: string, sessionId: string | undefined): Promise<unknown> =>
  call('POST', at(slug, '/leave'), sessionId === undefined ? {} : { sessionId });

export const renewPlaylist = (
  slug: string,
  sessionId: string | undefined,
): Promise<{ hlsUrl?: HlsAddress | null }> =>
  call('POST', at(slug, '/hls'), sessionId === undefined ? {} : { sessionId });

/** Sending the same `key` again never pays twice. */
export const sendTip = (
  slug: string,
  tip: { key: string; amountMilli: string; text?: string },
): Promise<TipReceipt> => call('POST', at(slug, '/tips'), tip);

export function resolveHls(address: HlsAddress | null | undefined): string | undefined {
  if (address === null || address === undefined || address === '') return undefined;
  if (typeof address === 'string') return new URL(address, location.href).href;
  const url = new URL(address.path, location.href);
  url.port = String(address.port);
  return url.href;
}
