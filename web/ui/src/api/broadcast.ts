// Going on the air: tickets for publishing from the browser, the health of the own stream, private
// shows that viewers ask for, and the schedule.
import { call } from './http.js';
import type { ModelRoom } from './models.js';
import type { Slot } from './rooms.js';

export interface PublishTicket {
  /** WebSocket address of the ingest. */
  url: string;
  token: string;
  expiresInSec: number;
}

export interface StreamFigures {
  bitrateKbps: number;
  fps: number;
  /** Seconds between key frames. */
  keyFrameSec: number;
  droppedFrames: number;
}

export interface StreamHealth {
  isLive: boolean;
  startedAt: string | null;
  viewers: number;
  /** Newest picture; null = no signal. */
  previewUrl: string | null;
  video: { width: number; height: number; fps: number } | null;
  health: StreamFigures | null;
  /** Why the source is not passed on as it is. */
  notes: string[];
}

export interface PrivateRequest {
  id: string;
  viewerId: string;
  note: string;
  priceMilliPerMin: string;
  minimumSec: number;
  graceSec: number;
  state: 'open' | 'accepted' | 'refused' | 'cancelled' | 'expired' | 'ended';
  reason: string | null;
  createdAt: string;
  expiresAt: string;
}

export type AskedPrivate = PrivateRequest & { username: string };

export interface SlotForm {
  /** ISO 8601 with a zone. */
  startsAt: string;
  endsAt: string;
  title: string;
}

export const fetchPublishTicket = (): Promise<PublishTicket> =>
  call('POST', '/model/publish-ticket', {});

export const fetchHealth = (): Promise<StreamHealth> => call('GET', '/model/health');

export const fetchPrivateRequests = (): Promise<{ requests: AskedPrivate[] }> =>
  call('GET', '/model/private-requests');

const requestAt = (id: string, verb: string): string =>
  `/model/private-requests/${encodeURIComponent(id)}/${verb}`;

export const acceptPrivate = (id: string): Promise<{ room: ModelRoom }> =>
  call('POST', requestAt(id, 'accept'), {});

export const refusePrivate = (id: string, reason: string): Promise<unknown> =>
  call('POST', requestAt(id, 'refuse'), reason === '' ? {} : { reason });

export const endPrivate = (): Promise<{ room: ModelRoom }> =>
  call('POST', '/model/private/end', {});

const askAt = (slug: string): string => `/rooms/${encodeURIComponent(slug)}/private-request`;

export const askPrivate = (slug: string, note: string): Promise<{ request: PrivateRequest }> =>
  call('POST', askAt(slug), note === '' ? {} : { note });

/** 404 REQUEST_NOT_FOUND where nothing was asked. */
export const fetchOwnRequest = (slug: string): Promise<{ request: PrivateRequest }> =>
  call('GET', askAt(slug));

export const cancelPrivate = (slug: string): Promise<unknown> => call('DELETE', askAt(slug), {});

export const fetchSlots = (): Promise<{ slots: Slot[] }> => call('GET', '/model/schedule');

export const addSlot = (form: SlotForm): Promise<{ slot: Slot }> =>
  call('POST', '/model/schedule', form);

export const changeSlot = (id: string, form: SlotForm): Promise<{ slot: Slot }> =>
  call('PUT', `/model/schedule/${encodeURIComponent(id)}`, form);

export const removeSlot = (id: string): Promise<unknown> =>
  call('DELETE', `/model/schedule/${encodeURIComponent(id)}`, {});
