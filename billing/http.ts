// The uWebSockets.js listener of billing: hooks of media servers and the signed internal API on
// one port. The only file that knows uWS. Invariant: a request is copied before its handler
// returns, an aborted response is never written to, and every request gets exactly one answer with
// a body.
import uWS, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
} from 'uWebSockets.js';
import {
  AppError,
  coerceError,
  type Logger,
  SIGNATURE_HEADER,
  type SignedRequest,
  TIME_HEADER,
} from '../cluster/index.js';
import type { BillingApi } from './api.js';
import { answerBatch } from './batched-hooks.js';
import { billingError } from './errors.js';
import { AllowList, HOOK_BODY_BYTES_MAX, mergeParams } from './hook-request.js';
import type { HookAnswer, HookParams, NginxRtmpHooks } from './hooks.js';
import type { SrsHooks } from './srs-hooks.js';

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  /** Networks that may call hooks: addresses or CIDR. */
  readonly hookAllow: readonly string[];
  readonly hooks: NginxRtmpHooks;
  readonly srs: SrsHooks;
  readonly api: BillingApi;
  /** @throws AppError when the call is not signed as internal calls are */
  readonly verify: (request: SignedRequest) => void;
  readonly log: Logger;
}

const API_BODY_BYTES_MAX = 1024 * 1024;

const STATUS: Readonly<Record<number, string>> = {
  200: '200 OK',
  302: '302 Found',
  400: '400 Bad Request',
  401: '401 Unauthorized',
  402: '402 Payment Required',
  403: '403 Forbidden',
  404: '404 Not Found',
  409: '409 Conflict',
  413: '413 Content Too Large',
  500: '500 Internal Server Error',
  503: '503 Service Unavailable',
};

export class HttpServer {
  private readonly app: TemplatedApp;
  private listener: us_listen_socket | undefined;
  private readonly allowed: AllowList;
  private unanswered = 0;

  constructor(private readonly options: HttpServerOptions) {
    this.allowed = new AllowList(options.hookAllow);
    this.app = uWS
      .App()
      .any('/hooks/nginx-rtmp/:call', (response, request) => this.onHook(response, request))
      .post('/hooks/srs', (response) => this.onSrsHook(response))
      .post('/hooks/batch', (response) => this.onBatch(response))
      .any('/v1/*', (response, request) => this.onApi(response, request))
      .any('/*', (response) => {
        response.cork(() => response.writeStatus('404 Not Found').end('not found\n'));
      });
  }

  /** Calls that wait for their answer. */
  get waiting(): number {
    return this.unanswered;
  }

  /** @returns the port. @throws Error when it is taken */
  listen(): Promise<number> {
    const { host, port } = this.options;
    return new Promise((resolve, reject) => {
      this.app.listen(host, port, (listener) => {
        if (listener === false) {
          reject(new Error(`BILLING_PORT ${port} on ${host} is in use`));
          return;
        }
        this.listener = listener;
        resolve(uWS.us_socket_local_port(listener));
      });
    });
  }

  /** No new connections; those that are open are ended. */
  close(): void {
    if (this.listener !== undefined) uWS.us_listen_socket_close(this.listener);
    this.listener = undefined;
    this.app.close();
  }

  private replyTo(response: HttpResponse): Reply {
    this.unanswered += 1;
    return new Reply(response, () => (this.unanswered -= 1));
  }

  private onHook(response: HttpResponse, request: HttpRequest): void {
    const call = request.getParameter(0);
    const query = queryOf(request);
    const peer = addressOf(response);
    const reply = this.replyTo(response);
    readBody(response, HOOK_BODY_BYTES_MAX, (body) => {
      if (!this.allowed.has(peer)) {
        reply.send({ status: 403, body: 'not from here\n' });
        return;
      }
      if (body === undefined) {
        reply.send({ status: 403, body: 'the body is too large\n' });
        return;
      }
      const params = mergeParams(query, body);
      void this.answerHook(call, params, peer, reply);
    });
  }

  private onSrsHook(response: HttpResponse): void {
    const { srs } = this.options;
    const refusal = { code: 403, msg: 'not from here' };
    this.onJsonHook(response, { bytesMax: HOOK_BODY_BYTES_MAX, refusal }, async (body, peer) => ({
      ...{ status: 200, value: await srs.handle(body, peer) },
    }));
  }

  private onBatch(response: HttpResponse): void {
    const { hooks } = this.options;
    const refusal = badRequest('not from here');
    this.onJsonHook(response, { bytesMax: API_BODY_BYTES_MAX, refusal }, async (body, peer) => {
      const value = await answerBatch(hooks, body, peer);
      if (value === undefined) return { status: 400, value: badRequest('not a batch of hooks') };
      return { status: 200, value };
    });
  }

  /** From allowed networks only; answered with 200 and JSON unless the body is malformed. */
  private onJsonHook(
    response: HttpResponse,
    options: { bytesMax: number; refusal: unknown },
    answer: (body: string, peer: string) => Promise<{ status: number; value: unknown }>,
  ): void {
    const peer = addressOf(response);
    const reply = this.replyTo(response);
    readBody(response, options.bytesMax, (body) => {
      if (body === undefined || !this.allowed.has(peer)) {
        reply.sendJson(200, options.refusal);
        return;
      }
      answer(body.toString('utf8'), peer).then(
        ({ status, value }) => reply.sendJson(status, value),
        (thrown: unknown) => {
          this.options.log.error({ event: 'hook.fault', err: coerceError(thrown) });
          reply.sendJson(200, options.refusal);
        },
      );
    });
  }

  private async answerHook(
    call: string,
    params: HookParams,
    peer: string,
    reply: Reply,
  ): Promise<void> {
    let answer: HookAnswer;
    try {
      answer = await this.options.hooks.handle(call, params, peer);
    } catch (thrown) {
      this.options.log.error({ event: 'hook.fault', err: coerceError(thrown) });
      answer = { status: 403, body: 'billing cannot decide\n' };
    }
    const location = answer.location === undefined ? {} : { location: answer.location };
    reply.send({ status: answer.status, body: answer.body, ...location });
  }

  private onApi(response: HttpResponse, request: HttpRequest): void {
    const path = request.getUrl();
    const query = queryOf(request);
    const method = request.getMethod().toUpperCase();
    const time = request.getHeader(TIME_HEADER);
    const signature = request.getHeader(SIGNATURE_HEADER);
    const reply = this.replyTo(response);
    readBody(response, API_BODY_BYTES_MAX, (body) => {
      if (body === undefined) {
        reply.sendJson(413, badRequest('the body is above 1 MiB'));
        return;
      }
      const signed = query === '' ? path : `${path}?${query}`;
      const refusal = this.refusal({ method, path: signed, body, time, signature });
      if (refusal !== undefined) {
        reply.sendJson(refusal.http, refusal.toBody());
        return;
      }
      const text = body.toString('utf8');
      void this.answerApi({ method, path, query: new URLSearchParams(query), body: text }, reply);
    });
  }

  private refusal(request: SignedRequest): AppError | undefined {
    try {
      this.options.verify(request);
      return undefined;
    } catch (thrown) {
      if (thrown instanceof AppError) return thrown as AppError;
      throw thrown;
    }
  }

  private async answerApi(
    request: Parameters<BillingApi['handle']>[0],
    reply: Reply,
  ): Promise<void> {
    try {
      const { status, body } = await this.options.api.handle(request);
      reply.sendJson(status, body);
    } catch (thrown) {
      const { method, path } = request;
      this.options.log.error({ event: 'api.fault', method, path, err: coerceError(thrown) });
      const error = { code: 'BILLING_FAULT', message: 'A fault in billing.', retry: false };
      reply.sendJson(500, { error });
    }
  }
}

/** Without a query uWebSockets.js answers undefined, whatever its typings say. */
function queryOf(request: HttpRequest): string {
  return request.getQuery() || '';
}

/** Writes at most once, never after an abort. */
class Reply {
  private isOver = false;

  constructor(
    private readonly response: HttpResponse,
    private readonly onOver: () => void,
  ) {
    response.onAborted(() => this.isFirst());
  }

  send(answer: { status: number; body: string; location?: string; type?: string }): void {
    if (!this.isFirst()) return;
    const { status, body, location, type = 'text/plain' } = answer;
    this.response.cork(() => {
      this.response.writeStatus(STATUS[status] ?? '500 Internal Server Error');
      this.response.writeHeader('content-type', type);
      if (location !== undefined) this.response.writeHeader('location', location);
      this.response.end(body);
    });
  }

  private isFirst(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    this.onOver();
    return true;
  }

  sendJson(status: number, body: unknown): void {
    this.send({ status, body: JSON.stringify(body), type: 'application/json' });
  }
}

/**
 * Calls back once with the whole body, or with undefined when it is too large. The body must be
 * read before the callback returns.
 */
function readBody(
  response: HttpResponse,
  bytesMax: number,
  done: (body: Buffer | undefined) => void,
): void {
  const parts: Buffer[] = [];
  let bytes = 0;
  let isOver = false;
  response.onData((part, isLast) => {
    if (isOver) return;
    bytes += part.byteLength;
    if (bytes > bytesMax) {
      isOver = true;
      done(undefined);
      return;
    }
    // The part is only lent for the duration of this callback: `done` may use it, not keep it.
    const view = Buffer.from(part);
    if (isLast) {
      isOver = true;
      done(parts.length === 0 ? view : Buffer.concat([...parts, view]));
    } else {
      parts.push(Buffer.from(view));
    }
  });
}

function badRequest(problem: string): unknown {
  return billingError('BILLING_BAD_REQUEST', { problem }).toBody();
}

/** IPv4 as dotted digits also where the socket is IPv6 (`::ffff:a.b.c.d`). */
function addressOf(response: HttpResponse): string {
  const bytes = new Uint8Array(response.getRemoteAddress());
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  if (bytes.length === 4) return `${a}.${b}.${c}.${d}`;
  const isMapped = bytes.slice(0, 10).every((one) => one === 0) && bytes[10] === 255;
  if (isMapped) return bytes.slice(12).join('.');
  return Buffer.from(response.getRemoteAddressAsText()).toString();
}
