// The world's faults as coded errors, one table per folder; a bug is an assertion and ends the
// process.
import { AssertionError } from 'node:assert';

/** One row of a folder's error table. */
export interface ErrorRow {
  /** HTTP status when the error leaves over HTTP. */
  readonly http: number;
  /** Whether the same request may succeed later without being changed. */
  readonly retry: boolean;
  /** A sentence that names what mends it; `{name}` is replaced from the details. */
  readonly message: string;
}

export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** A fault of the world that a boundary turns into an answer. */
export class AppError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly http: number;
  readonly retry: boolean;
  readonly details: ErrorDetails;

  constructor(code: Code, row: ErrorRow, details: ErrorDetails = {}, cause?: unknown) {
    const message = row.message.replace(/\{(\w+)\}/g, (_, name: string) =>
      String(details[name] ?? `{${name}}`),
    );
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AppError';
    this.code = code;
    this.http = row.http;
    this.retry = row.retry;
    this.details = details;
  }

  /** The body that HTTP boundaries answer with. */
  toBody(): { error: { code: Code; message: string; retry: boolean; details: ErrorDetails } } {
    const { code, message, retry, details } = this;
    return { error: { code, message, retry, details } };
  }
}

/** Makes the constructor function of one error table. */
export function defineErrors<const T extends Readonly<Record<string, ErrorRow>>>(
  table: T,
): (code: keyof T & string, details?: ErrorDetails, cause?: unknown) => AppError<keyof T & string> {
  return (code, details, cause) => {
    const row = table[code];
    assert(row !== undefined, `unknown error code ${code}`);
    return new AppError(code, row, details, cause);
  };
}

/** A broken promise of our own code. The process logs it and ends; a supervisor starts it again. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError({ message });
}

/** For the default branch of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new AssertionError({ message: `unreachable: ${JSON.stringify(value)}` });
}

/** Whatever was thrown, as an Error. */
export function coerceError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The error table of this folder. */
export const clusterErrors = {
  CHILD_MISSING: {
    http: 500,
    retry: false,
    message: '{program} is not installed: apt-get install {package}',
  },
  CHILD_PORT_BUSY: { http: 500, retry: false, message: '{name}: port {port} is in use' },
  CHILD_EXITED: {
    http: 500,
    retry: false,
    message: '{name} ended before it was ready ({how}):\n{tail}',
  },
  CHILD_NOT_READY: {
    http: 500,
    retry: true,
    message: '{name} was not ready within {deadlineMs} ms:\n{tail}',
  },
  MARIADB_INSTALL: { http: 500, retry: false, message: 'mariadb-install-db failed: {reason}' },
  REDIS_URL: {
    http: 500,
    retry: false,
    message: 'not a Redis address: redis://[user:password@]host:port or redis-cluster://h:p,h:p',
  },
  REDIS_AWAY: { http: 503, retry: true, message: 'Redis at {host}:{port} is away: {reason}' },
  SUBSCRIBER_CLOSED: { http: 503, retry: true, message: 'the subscriber was closed' },
  BUS_AWAY: { http: 503, retry: true, message: 'the bus cannot reach Redis ({status})' },
  BUS_CLOSED: { http: 503, retry: true, message: 'the bus was closed' },
  BUS_MESSAGE: { http: 500, retry: false, message: 'the bus does not carry {what}' },
  MEMBERS_LOST: {
    http: 503,
    retry: true,
    message: 'Redis loses the member list again and again; is something flushing it?',
  },
  INTERNAL_UNSIGNED: {
    http: 401,
    retry: false,
    message: 'internal calls carry x-showbill-time and x-showbill-signature',
  },
  INTERNAL_FORGED: {
    http: 401,
    retry: false,
    message: 'the signature does not fit; do both roles have the same INTERNAL_SECRET?',
  },
  INTERNAL_EXPIRED: {
    http: 401,
    retry: false,
    message: 'the call is {ageMs} ms old; are the clocks of both hosts right?',
  },
  INTERNAL_NO_MEMBER: {
    http: 503,
    retry: true,
    message: 'no {role} process is in the member list',
  },
  INTERNAL_TIMEOUT: {
    http: 504,
    retry: true,
    message: '{role} {member} did not answer {path} within {timeoutMs} ms',
  },
  INTERNAL_UNREACHABLE: {
    http: 502,
    retry: true,
    message: '{role} {member} could not be reached for {path}: {reason}',
  },
  INTERNAL_REPLY: {
    http: 502,
    retry: false,
    message: '{role} {member} answered {path} with status {status} and no sense',
  },
  NO_FREE_PORT: { http: 500, retry: true, message: 'no {count} consecutive free TCP ports' },
} as const satisfies Readonly<Record<string, ErrorRow>>;

/** Makes an error of this folder's table. */
export const clusterError = defineErrors(clusterErrors);
