// Sign-up, sign-in and "who am I".
import { call } from './http.js';

export type Role = 'viewer' | 'model' | 'admin';

export interface Account {
  id: string;
  username: string;
  role: Role;
  /** What the account may do as staff. */
  rights: readonly string[];
}

export interface Me {
  user: Account;
  /** Milli-credits free to spend; null while billing is away. */
  balance: string | null;
  held?: string;
  version?: number;
  /** The application as a model, if there is one. */
  avatarUrl?: string | null;
  /** A picture was sent and is still being made. */
  isAvatarPending?: boolean;
  model?: { state: string; reason: string | null };
}

export const fetchMe = (): Promise<Me> => call('GET', '/me');

export const signUp = (form: {
  username: string;
  email: string;
  password: string;
}): Promise<{ activation: 'done' | 'mailed' }> => call('POST', '/auth/signup', form);

export const logIn = (form: { login: string; password: string }): Promise<unknown> =>
  call('POST', '/auth/login', form);

export const logOut = (): Promise<unknown> => call('POST', '/auth/logout', {});
