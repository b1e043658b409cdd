// What a performer manages: application, stream key, room and earnings.
import { call } from './http.js';

export interface ModelRoom {
  id: string;
  slug: string;
  title: string;
  topic: string;
  pricePerMinMilli: string;
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

export const fetchModelDesk = (): Promise<ModelDesk> => call('GET', '/model');

export const applyAsModel = (form: { displayName: string; about: string }): Promise<unknown> =>
  call('POST', '/model/apply', form);

/** The new key is shown once; the old one stops working and its broadcast is dropped. */
export const regenerateKey = (): Promise<{ key: string; keyMasked: string }> =>
  call('POST', '/model/key/regenerate', {});

export const updateModelRoom = (form: {
  title: string;
  topic: string;
  priceMilliPerMin: string;
}): Promise<{ room: ModelRoom }> => call('PATCH', '/model/room', form);
