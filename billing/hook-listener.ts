// A listener of its own for nginx-rtmp, which speaks HTTP/1.0: uWebSockets.js answers that with
// 505, and nginx-rtmp ends a stream over any 5xx. node:http takes both. Invariant: every request
// gets one answer of 2xx, 3xx or 4xx with a body.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { coerceError, type Logger } from '../cluster/index.js';
import { AllowList, HOOK_BODY_BYTES_MAX, mergeParams } from './hook-request.js';
import type { HookAnswer, NginxRtmpHooks } from './hooks.js';

export interface HookListenerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly hookAllow: readonly string[];
  readonly hooks: Pick<NginxRtmpHooks, 'handle'>;
  readonly log: Logger;
}

/** nginx-rtmp gives up after 10 s. */
const REQUEST_TIMEOUT_MS = 10_000;
const PATH = /^\/hooks\/nginx-rtmp\/(on_[a-z_]{1,32})$/;

export class HookListener {
  private readonly server: Server;
  private readonly allowed: AllowList;
  private unanswered = 0;

  constructor(private readonly options: HookListenerOptions) {
    this.allowed = new AllowList(options.hookAllow);
    this.server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
      void this.answer(request, response);
    });
  }

  /** Calls that wait for their answer. */
  get waiting(): number {
    return this.unanswered;
  }

  /** @returns the port. @throws Error when it is taken */
  async listen(): Promise<number> {
    const { host, port } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** No new connections; calls that are under way are answered. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeIdleConnections();
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: HookAnswer;
    this.unanswered += 1;
    try {
      answer = await this.decide(request);
    } catch (thrown) {
      this.options.log.error({ event: 'hook.fault', err: coerceError(thrown) });
      answer = { status: 403, body: 'billing cannot decide\n' };
    } finally {
      this.unanswered -= 1;
    }
    const { status, body, location } = answer;
    response.writeHead(status, {
      'content-type': 'text/plain',
      'content-length': Buffer.byteLength(body),
      ...(location === undefined ? {} : { location }),
    });
    response.end(body);
  }

  private async decide(request: IncomingMessage): Promise<HookAnswer> {
    const peer = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    if (!this.allowed.has(peer)) return { status: 403, body: 'not from here\n' };
    const { pathname, search } = new URL(request.url ?? '/', 'http://hooks');
    const call = PATH.exec(pathname)?.[1];
    if (call === undefined) return { status: 404, body: 'no such hook\n' };
    const body = await readAll(request);
    if (body === undefined) return { status: 403, body: 'the body is too large\n' };
    return this.options.hooks.handle(call, mergeParams(search.slice(1), body), peer);
  }
}

/** @returns undefined when the body is too large */
async function readAll(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += (part as Buffer).length;
    if (bytes > HOOK_BODY_BYTES_MAX) return undefined;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
}
