// React's view of a store. `useSelected` re-renders only when the selected part changes.
import { useSyncExternalStore } from 'react';
import type { Store } from './store.js';

export function useStore<S>(store: Store<S>): S {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** `select` must return a primitive or a reference that is stable while nothing changed. */
export function useSelected<S, T>(store: Store<S>, select: (state: S) => T): T {
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}
