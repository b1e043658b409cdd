// The private port where a worker answers signed calls of the backend (server-api.ts). Node's own
// HTTP server: a few calls a second, none of them on the way of a message.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AppError,
  coerceError,
  SIGNATURE_HEADER,
  TIME_HEADER,
  verifyRequest,
  type Logger,
} from '../../cluster/index.js';
import { gatewayError } from '../errors.js';
import type { ServerApi, ServerReply } from '../server-api.js';

export interface InternalHttpOptions {
  readonly api: ServerApi;
  /** `config.secrets.internal` */
  readonly secret: string;
  readonly nowMs: () => number;
  readonly log: Logger;
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
}

export interface InternalHttp {
  readonly port: number;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 1024 * 1024;

/** Listens. Unsigned, old and forged calls are refused with 401 before their body is looked at. */
export async function startInternalHttp(options: InternalHttpOptions): Promise<InternalHttp> {
  const server = createServer((request, response) => void serve(options, request, response));
  server.requestTimeout = 10_000;
  server.headersTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(
  options: InternalHttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reply = await answer(options, request).catch((thrown: unknown): ServerReply => {
    if (thrown instanceof AppError) return { status: thrown.http, body: thrown.toBody() };
    options.log.error({ event: 'internal.failed', err: coerceError(thrown) });
    return { status: 500, body: {} };
  });
  if (response.destroyed) return;
  response.writeHead(reply.status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(reply.body));
}

async function answer(
  { api, secret, nowMs }: InternalHttpOptions,
  request: IncomingMessage,
): Promise<ServerReply> {
  const { method = 'GET', url = '/' } = request;
  const body = await collect(request);
  const header = (name: string): string => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : '';
  };
  verifyRequest(
    { method, path: url, body, time: header(TIME_HEADER), signature: header(SIGNATURE_HEADER) },
    { secret, nowMs: nowMs() },
  );
  const { pathname, searchParams } = new URL(url, 'http://gateway');
  return api.handle({ method, path: pathname, query: searchParams, body: body.toString('utf8') });
}

async function collect(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw gatewayError('GATEWAY_BODY_TOO_LARGE');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
