// What the harness needs from a tap test: a place to register teardown, and a voice. Each helper
// owns its own teardown, so that no test has to remember one.

/** The part of tap's `t` that the harness uses. Teardowns run in reverse order of registration. */
export interface TestScope {
  teardown(callback: () => unknown): void;
  comment(...message: unknown[]): void;
  passing(): boolean;
}

/** For programs that are no tap test: runs `work` with a scope of its own, then its teardowns. */
export async function withScope<T>(work: (scope: TestScope) => Promise<T>): Promise<T> {
  const teardowns: (() => unknown)[] = [];
  let isPassing = false;
  try {
    const result = await work({
      teardown: (callback) => void teardowns.push(callback),
      comment: (...message) => void process.stderr.write(`${message.join(' ')}\n`),
      passing: () => isPassing,
    });
    isPassing = true;
    return result;
  } finally {
    for (const callback of teardowns.toReversed()) await callback();
  }
}
