// Recordings of past shows: those that a visitor may see, an address to play one, the own ones.
import { call } from './http.js';

export interface Recording {
  id: string;
  /** Empty = of a show that is not known any more. */
  title: string;
  startedAt: string;
  /** 0 while it is being recorded. */
  durationMs: number;
  bytes: number;
  isReady: boolean;
  /** For everybody who may enter the room. */
  isShown: boolean;
}

const part = (text: string): string => encodeURIComponent(text);

export const fetchRecordings = (slug: string): Promise<{ recordings: Recording[] }> =>
  call('GET', `/rooms/${part(slug)}/recordings`);
/** An MP4 with byte ranges; good for hours. */
export const playRecording = (slug: string, id: string): Promise<{ url: string }> =>
  call('POST', `/rooms/${part(slug)}/recordings/${part(id)}/play`);

export const fetchOwnRecordings = (): Promise<{ isPublic: boolean; recordings: Recording[] }> =>
  call('GET', '/model/recordings');
export const setPastPublic = (isPublic: boolean): Promise<unknown> =>
  call('PATCH', '/model/recordings', { isPublic });
export const showRecording = (id: string, isShown: boolean): Promise<unknown> =>
  call('PATCH', `/model/recordings/${part(id)}`, { isShown });
export const removeRecording = (id: string): Promise<unknown> =>
  call('DELETE', `/model/recordings/${part(id)}`);
