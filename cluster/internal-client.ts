// Calls from one role to another: finds a member in the registry, signs, waits a bounded time, and
// asks another member where that cannot do the thing twice. Used through the typed clients of the
// folders.
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, systemClock } from './clock.js';
import { AppError, clusterError, coerceError, type ErrorDetails } from './errors.js';
import { signRequest } from './internal-signature.js';
import type { Member, Role } from './members.js';

/**
 * Under this name a member registers the base URL of its internal API, e.g. `http://10.0.0.4:8084`.
 */
export const INTERNAL_ADDRESS = 'internal';

export interface CallOptions {
  /**
   * Whether doing it twice is as good as once. Default: true for GET, HEAD, PUT and DELETE (RFC
   * 9110 section 9.2.2) and for a body that carries an idempotency `key`. Only such a call is sent
   * again after it may have arrived.
   */
  readonly isIdempotent?: boolean;
  /** For each attempt, answer included; default 3,000 ms. */
  readonly timeoutMs?: number;
}

export interface InternalClientOptions {
  readonly members: { list(role: Role): readonly Member[] };
  /** `config.secrets.internal` */
  readonly secret: string;
  readonly clock?: Clock;
}

const ATTEMPTS_MAX = 3;
/** Before the same member is asked again, doubled each time; another member is asked at once. */
const PAUSE_MS = 50;
/**
 * An idle connection goes before uWebSockets.js closes it (10 s), or a call might meet the closing.
 */
const AGENT_OPTIONS = { keepAlive: true, maxSockets: 64, timeout: 4_000 } as const;
const REPLY_BYTES_MAX = 8 * 1024 * 1024;

/** The outcome of one attempt that did not bring an answer. */
interface Failure {
  readonly error: AppError;
  /** The member cannot have begun to work on the call. */
  readonly isUnsent: boolean;
}

export class InternalClient {
  private readonly plain = new Agent(AGENT_OPTIONS);
  private readonly tls = new TlsAgent(AGENT_OPTIONS);
  private readonly clock: Clock;
  private turn = 0;

  constructor(private readonly options: InternalClientOptions) {
    this.clock = options.clock ?? systemClock;
  }

  /**
   * Sends JSON and resolves to the JSON of a 2xx answer (undefined for an empty one). Members that
   * do not drain are asked in turn; up to 3 attempts, so at worst about 3 × timeoutMs.
   * @param path with the query, e.g. `/v1/wallets/42`
   * @throws AppError with the code, status and retry advice that the member answered; or
   * INTERNAL_NO_MEMBER (503) when nobody of the role is there, INTERNAL_TIMEOUT (504, it may have
   * been done), INTERNAL_UNREACHABLE (502, the same), INTERNAL_REPLY (502) for an answer that makes
   * no sense.
   */
  async call(
    role: Role,
    method: string,
    path: string,
    body?: unknown,
    options: CallOptions = {},
  ): Promise<unknown> {
    const isRepeatable = options.isIdempotent ?? isIdempotentByNature(method, body);
    const text = body === undefined ? '' : JSON.stringify(body);
    const tried = new Map<string, number>();
    for (let attempt = 1; ; attempt += 1) {
      const member = this.pick(role, tried);
      const before = tried.get(member.id) ?? 0;
      if (before > 0) await delay(PAUSE_MS * 2 ** (before - 1) * (0.5 + Math.random()));
      tried.set(member.id, before + 1);
      const result = await this.attempt(member, method, path, text, options.timeoutMs ?? 3_000);
      if (!('error' in result)) return result.value;
      // 4xx with retry advice (too many, in conflict) is for the caller to decide, and not right
      // now.
      const isTransient = result.error.retry && result.error.http >= 500;
      const mayRepeat = result.isUnsent || (isRepeatable && isTransient);
      if (!mayRepeat || attempt === ATTEMPTS_MAX) throw result.error;
    }
  }

  /** Closes idle connections; calls under way end by themselves. */
  close(): void {
    this.plain.destroy();
    this.tls.destroy();
  }

  /** The member asked least so far; in turn among equals. Drains only when there is nobody else. */
  private pick(role: Role, tried: ReadonlyMap<string, number>): Member {
    const reachable = this.options.members
      .list(role)
      .filter((one) => one.address[INTERNAL_ADDRESS] !== undefined);
    const working = reachable.filter((one) => !one.draining);
    const candidates = working.length > 0 ? working : reachable;
    const least = Math.min(...candidates.map((one) => tried.get(one.id) ?? 0));
    const fresh = candidates.filter((one) => (tried.get(one.id) ?? 0) === least);
    this.turn += 1;
    const member = fresh[this.turn % fresh.length];
    if (member === undefined) throw clusterError('INTERNAL_NO_MEMBER', { role });
    return member;
  }

  private async attempt(
    member: Member,
    method: string,
    path: string,
    text: string,
    timeoutMs: number,
  ): Promise<{ value: unknown } | Failure> {
    const where = { role: member.role, member: member.id, path: path.replace(/\?.*$/, '') };
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const reply = await this.send(member, method, path, text, late);
      return readReply(reply, where);
    } catch (thrown) {
      const { code = 'unknown' } = coerceError(thrown) as NodeJS.ErrnoException;
      const error = late.aborted
        ? clusterError('INTERNAL_TIMEOUT', { ...where, timeoutMs }, thrown)
        : clusterError('INTERNAL_UNREACHABLE', { ...where, reason: code }, thrown);
      return { error, isUnsent: NEVER_SENT.has(code) };
    }
  }

  private send(
    member: Member,
    method: string,
    path: string,
    text: string,
    late: AbortSignal,
  ): Promise<Reply> {
    const base = member.address[INTERNAL_ADDRESS] ?? '';
    const isTls = base.startsWith('https:');
    const { secret } = this.options;
    const signature = signRequest(
      { method, path, body: text },
      { secret, nowMs: this.clock.nowMs() },
    );
    return new Promise((resolve, reject) => {
      const request = (isTls ? httpsRequest : httpRequest)(base.replace(/\/$/, '') + path, {
        method,
        agent: isTls ? this.tls : this.plain,
        signal: late,
        headers: {
          ...signature,
          ...(text === '' ? {} : { 'content-type': 'application/json' }),
          'content-length': Buffer.byteLength(text),
        },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        collect(response).then(resolve, reject);
      });
      request.end(text);
    });
  }
}

/** Nothing was sent on a connection that was never made. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
]);

function isIdempotentByNature(method: string, body: unknown): boolean {
  if (['GET', 'HEAD', 'PUT', 'DELETE'].includes(method)) return true;
  return typeof body === 'object' && body !== null && 'key' in body && typeof body.key === 'string';
}

interface Reply {
  readonly status: number;
  /** Undefined when it was longer than anything that we ask for. */
  readonly text: string | undefined;
}

async function collect(response: IncomingMessage): Promise<Reply> {
  const status = response.statusCode ?? 0;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop destroys the response.
    if (bytes > REPLY_BYTES_MAX) return { status, text: undefined };
    chunks.push(chunk);
  }
  return { status, text: Buffer.concat(chunks).toString('utf8') };
}

function readReply({ status, text }: Reply, where: ErrorDetails): { value: unknown } | Failure {
  let value: unknown;
  try {
    value = text === '' ? undefined : (JSON.parse(text ?? 'too long') as unknown);
  } catch (thrown) {
    return { error: clusterError('INTERNAL_REPLY', { ...where, status }, thrown), isUnsent: false };
  }
  if (status >= 200 && status < 300) return { value };
  return { error: answeredError(status, value, where), isUnsent: false };
}

/** The member's own coded error, or INTERNAL_REPLY when its body is none. */
function answeredError(status: number, value: unknown, where: ErrorDetails): AppError {
  const { error } = (typeof value === 'object' && value !== null ? value : {}) as {
    error?: { code?: unknown; message?: unknown; retry?: unknown; details?: unknown };
  };
  if (typeof error?.code !== 'string') return clusterError('INTERNAL_REPLY', { ...where, status });
  const details = (error.details ?? {}) as ErrorDetails;
  const message = typeof error.message === 'string' ? error.message : error.code;
  const row = { http: status, retry: error.retry === true, message };
  return new AppError(error.code, row, details);
}
