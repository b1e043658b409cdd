// What a performer manages: application, stream key, room and earnings.
import { call } from './http.js';
import { after } from './page.js';
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
  /** The longest show; null = as the site has it. */
  showMaxSec: number | null;
  /** The longest visit of one viewer to a paid show; null = no limit. */
  visitMaxSec: number | null;
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
  showMaxSec?: number | null;
  visitMaxSec?: number | null;
}

/** Milli-credits, after the share of the house. */
export interface EarningsSummary {
  pending: string;
  available: string;
  inFlight: string;
  paid: string;
  total: string;
}

/** One UTC day of booking, milli-credits after the share of the house. */
export interface EarnedDay {
  day: string;
  showsMilli: string;
  tipsMilli: string;
  asStudioMilli: string;
  /** 0 or below. */
  refundedMilli: string;
  netMilli: string;
}

/** A show that was on the air. */
export interface EarnedShow {
  id: string;
  title: string;
  showType: string;
  startedAt: string;
  /** Null = still on the air, or nobody saw its end. */
  endedAt: string | null;
  viewersMax: number;
  showsMilli: string;
  tipsMilli: string;
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

export const fetchEarnedDays = (from: string, to: string): Promise<{ days: EarnedDay[] }> =>
  call('GET', `/model/earnings/days?from=${from}&to=${to}`);

/** The newest first. */
export const fetchEarnedShows = (
  cursor?: string,
): Promise<{ shows: EarnedShow[]; next?: string }> =>
  call('GET', `/model/earnings/shows${after(cursor)}`);

/** Every entry of these days, in the room's time zone. */
export const statementHref = (from: string, to: string): string =>
  `/api/v1/model/earnings/statement.csv?from=${from}&to=${to}`;

export const fetchPayouts = (cursor?: string): Promise<{ items: Payout[]; next?: string }> =>
  call('GET', `/model/payouts${after(cursor)}`);

/** Without an amount everything available; the same `key` never pays twice. */
export const requestPayout = (form: {
  key: string;
  amountMilli?: string;
  method: string;
}): Promise<{ payout: Payout }> => call('POST', '/model/payouts', form);
