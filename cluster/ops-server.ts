// The private port of every role: /metrics for Prometheus, /healthz (alive) and /readyz (may get
// work).
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { coerceError } from './errors.js';
import type { Registry } from './metrics.js';

/** `reasons` says what is missing, in the words of the runbook; empty when ready. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

export interface OpsServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface OpsServerOptions {
  readonly port: number;
  readonly host: string;
  readonly registry: Registry;
  readonly isReady: () => Readiness | Promise<Readiness>;
}

/** Listens; rejects with EADDRINUSE when the port is taken. */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    void answer(options, path, response).catch((thrown: unknown) => {
      reply(response, 500, 'text/plain', `${coerceError(thrown).message}\n`);
    });
  });
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return { port, close: () => close(server) };
}

async function answer(
  options: OpsServerOptions,
  path: string,
  response: ServerResponse,
): Promise<void> {
  if (path === '/metrics') {
    const body = await options.registry.metrics();
    reply(response, 200, options.registry.contentType, body);
  } else if (path === '/healthz') {
    const body = `${JSON.stringify({ alive: true, pid: process.pid })}\n`;
    reply(response, 200, 'application/json', body);
  } else if (path === '/readyz') {
    const readiness = await options.isReady();
    const body = `${JSON.stringify(readiness)}\n`;
    reply(response, readiness.ready ? 200 : 503, 'application/json', body);
  } else {
    reply(response, 404, 'text/plain', 'not found\n');
  }
}

function reply(response: ServerResponse, status: number, type: string, body: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}

function listen(server: Server, { port, host }: OpsServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
