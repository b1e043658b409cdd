// What a performer manages: application, stream key, room and earnings.
import { call } from './http.js';
import type { TipMenuItem } from './rooms.js';

export interface PrivateTerms {
  priceMilliPerMin: string;
  /** Charged at least, seconds. */
  minimumSec: number;
  /** Free at the start, seconds. */
  graceSec: number;
}

export interface ModelRoom {
  id: string;
  slug: string;
  title: string;
  topic: string;
  tags: string[];
  pricePerMinMilli: string;
  showType: 'free' | 'paid' | 'ticket';
  ticketMilli: string;
  /** Null = not offered. */
  privateShow: PrivateTerms | null;
  /** Whose private show is on; null = none. */
  privateViewerId: string | null;
  tipMenu: TipMenuItem[];
  goal: { text: string; targetMilli: string } | null;
  /** IANA name. */
  timeZone: string;
  allowAnons: boolean;
  anonsSeeChat: boolean;
}

export interface ModelDesk {
  room: ModelRoom;
  /** Null while no ingest node is up. */
  publishUrl: string | null;
  keyMasked: string | null;
  isLive: boolean;
  /** Null while billing is away. */
  earnings: { pending: string; total: string } | null;
}

/** What is absent stays; null takes a goal or the private offer away. */
export interface RoomChanges {
  title?: string;
  topic?: string;
  tags?: string[];
  showType?: ModelRoom['showType'];
  priceMilliPerMin?: string;
  ticketMilli?: string;
  privateShow?: PrivateTerms | null;
  tipMenu?: TipMenuItem[];
  goal?: { text: string; targetMilli: string } | null;
  timeZone?: string;
  allowAnons?: boolean;
  anonsSeeChat?: boolean;
}

/** Milli-credits, after the share of the house. */
export interface EarningsSummary {
  pending: string;
  available: string;
  inFlight: string;
  paid: string;
  total: string;
}

export interface EarnedShow {
  sessionId: string;
  viewerId: string;
  openedMs: number;
  endedMs?: number;
  billableMs: number;
  chargedMilli: string;
  refundedMilli: string;
}

export interface Payout {
  id: string;
  performerId: string;
  state: 'requested' | 'in_flight' | 'paid' | 'failed' | 'returned';
  amountMilli: string;
  feeMilli: string;
  method: string;
  actor: string;
  reason?: string;
  createdMs: number;
}

export const fetchModelDesk = (): Promise<ModelDesk> => call('GET', '/model');

export const applyAsModel = (form: { displayName: string; about: string }): Promise<unknown> =>
  call('POST', '/model/apply', form);

/** The new key is shown once; the old one stops working and its broadcast is dropped. */
export const regenerateKey = (): Promise<{ key: string; keyMasked: string }> =>
  call('POST', '/model/key/regenerate', {});

export const updateModelRoom = (changes: RoomChanges): Promise<{ room: ModelRoom }> =>
  call('PATCH', '/model/room', changes);

export const fetchEarnings = (): Promise<EarningsSummary> => call('GET', '/model/earnings');

const after = (cursor: string | undefined): string =>
  cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;

/** Paid visits, the newest first, 50 a page. */
export const fetchEarnedShows = (
  cursor?: string,
): Promise<{ items: EarnedShow[]; next?: string }> => call('GET', `/model/shows${after(cursor)}`);

export const fetchPayouts = (cursor?: string): Promise<{ items: Payout[]; next?: string }> =>
  call('GET', `/model/payouts${after(cursor)}`);

/** Without an amount everything available; the same `key` never pays twice. */
export const requestPayout = (form: {
  key: string;
  amountMilli?: string;
  method: string;
}): Promise<{ payout: Payout }> => call('POST', '/model/payouts', form);
