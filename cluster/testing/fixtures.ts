// Fixed values that every test may use: secrets of the right length, and loggers.
import { createLogger, type Logger } from '../log.js';

/** Valid secrets that protect nothing. */
export const TEST_SECRETS = {
  token: 'test-token-secret-0123456789abcdef',
  internal: 'test-internal-secret-0123456789abcd',
} as const;

/** A logger that says nothing. */
export const silentLog: Logger = createLogger({ role: 'test', nodeId: 'test', level: 'silent' });

/** A logger whose lines can be looked at, parsed. */
export function captureLog(level = 'trace'): {
  readonly log: Logger;
  readonly lines: readonly Record<string, unknown>[];
  readonly events: () => unknown[];
} {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void =>
    void lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLogger({ role: 'test', nodeId: 'test', level }, { write });
  return { log, lines, events: () => lines.map((line) => line['event']) };
}
