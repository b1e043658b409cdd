// Devices, password, recovery by mail, and the end of an account.
import { call } from './http.js';

export interface DeviceSession {
  id: string;
  createdAt: string;
  lastUsedAt: string;
  userAgent: string;
  ip: string;
  isCurrent: boolean;
}

export const fetchSessions = (): Promise<{ sessions: DeviceSession[] }> =>
  call('GET', '/auth/sessions');

export const endSession = (id: string): Promise<unknown> =>
  call('DELETE', `/auth/sessions/${encodeURIComponent(id)}`, {});

export const endOtherSessions = (): Promise<unknown> =>
  call('POST', '/auth/sessions/end-others', {});

export const changePassword = (form: { current: string; password: string }): Promise<unknown> =>
  call('POST', '/account/password', form);

export const closeAccount = (password: string): Promise<unknown> =>
  call('POST', '/account/close', { password });

export const requestReset = (login: string): Promise<{ message: string }> =>
  call('POST', '/auth/reset/request', { login });

export const resetPassword = (form: { token: string; password: string }): Promise<unknown> =>
  call('POST', '/auth/reset', form);

export const activateAccount = (token: string): Promise<{ username: string }> =>
  call('POST', '/auth/activate', { token });
