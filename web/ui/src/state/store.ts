// A value with listeners: the one way state that outlives a component is kept in the browser.
// Listeners run only when the value really changed (Object.is).
export interface Store<S> {
  get: () => S;
  set: (next: S) => void;
  update: (change: (previous: S) => S) => void;
  subscribe: (listener: () => void) => () => void;
}

export function createStore<S>(initial: S): Store<S> {
  let value = initial;
  const listeners = new Set<() => void>();
  const set = (next: S): void => {
    if (Object.is(next, value)) return;
    value = next;
    for (const listener of [...listeners]) listener();
  };
  return {
    get: () => value,
    set,
    update: (change) => set(change(value)),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
