// JSON lines through pino. `event` (area.what) comes first; secrets are cut out here, not by callers.
// Levels: debug = one client's doings, info = lifecycle, warn = degraded, error = someone must look.
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
      serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
    },
    destination ?? pino.destination({ fd: 1, sync: false }),
  );
}
