// Owns what a run has started. Also stands in for tap's `t`, so that the servers of the test
// harness can be used here. Invariant: everything is taken down in reverse order, also after a
// failure.
import type { TestScope } from '../../cluster/testing/index.js';

export interface RunScope extends TestScope {
  close(): Promise<void>;
}

export function createScope(): RunScope {
  const callbacks: (() => unknown)[] = [];
  let isPassing = true;
  return {
    teardown: (callback) => void callbacks.push(callback),
    comment: (...message) => console.error(...message),
    passing: () => isPassing,
    async close() {
      for (let callback = callbacks.pop(); callback !== undefined; callback = callbacks.pop()) {
        try {
          await callback();
        } catch (thrown) {
          isPassing = false;
          console.error('teardown:', thrown);
        }
      }
    },
  };
}
