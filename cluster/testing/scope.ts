// What the harness needs from a tap test: a place to register teardown, and a voice. Each helper
// owns its own teardown, so that no test has to remember one.

/** The part of tap's `t` that the harness uses. Teardowns run in reverse order of registration. */
export interface TestScope {
  teardown(callback: () => unknown): void;
  comment(...message: unknown[]): void;
  passing(): boolean;
}
