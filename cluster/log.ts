// JSON lines through pino. `event` (area.what) comes first; secrets are cut out here, not by
// callers. Levels: debug = one client's doings, info = lifecycle, warn = degraded, error = someone
// must look.
import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Fields that never reach a log line, at the top level or one level down. */
export const REDACTED_FIELDS = [
  'password',
  'passwordHash',
  'token',
  'ticket',
  'secret',
  'authorization',
  'cookie',
  'streamKey',
  'key',
  'url.password',
] as const;

/**
 * What a log line says of an error, causes included. Other fields are left out on purpose: those of
 * ioredis and mysql2 hold the arguments of the command that failed, passwords and stream keys among
 * them.
 */
function describeError(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const { name, message, stack, cause } = thrown;
  const { code, details } = thrown as { code?: unknown; details?: unknown };
  return {
    type: name,
    message,
    ...(code === undefined ? {} : { code }),
    ...(details === undefined ? {} : { details }),
    stack,
    ...(cause === undefined ? {} : { cause: describeError(cause) }),
  };
}

/** The logger of one process. */
export function createLogger(
  options: { role: string; nodeId: string; level: string },
  destination?: DestinationStream,
): Logger {
  const paths = REDACTED_FIELDS.flatMap((name) => [name, `*.${name}`]);
  return pino(
    {
      level: options.level,
      base: { role: options.role, node: options.nodeId },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths, censor: '***' },
      serializers: { err: describeError, error: describeError },
    },
    destination ?? pino.destination({ fd: 1, sync: false }),
  );
}

/**
 * Writes what is still in memory, in its order, and closes the log; for the last moment of a
 * process, whose exit would otherwise let the last lines overtake one that is being written. Takes
 * at most 500 ms, also when nobody reads the lines.
 */
export function endLog(log: Logger): Promise<void> {
  const stream: unknown = (log as unknown as Record<symbol, unknown>)[pino.symbols.streamSym];
  if (!isEndable(stream)) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 500);
    stream.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    stream.end();
  });
}

function isEndable(stream: unknown): stream is Pick<NodeJS.WritableStream, 'once' | 'end'> {
  return typeof stream === 'object' && stream !== null && 'end' in stream && 'once' in stream;
}
