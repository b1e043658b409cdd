// Whether whoever is signed in has a right of staff. Pages hide what would be refused; the API
// decides.
import { useSelected } from '../state/use-store.js';
import { sessionStore } from './session.js';

export function useRight(right: string): boolean {
  return useSelected(sessionStore, (session) => session.user?.rights.includes(right) ?? false);
}
