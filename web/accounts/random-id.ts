// Unguessable ids: 128 random bits as 22 base64url characters.
import { randomBytes } from 'node:crypto';

export const RANDOM_ID = /^[A-Za-z0-9_-]{22}$/;

export function randomId(): string {
  return randomBytes(16).toString('base64url');
}
