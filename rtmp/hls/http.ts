// The HLS server: listens, routes signed paths to responses.ts, answers CORS and refusals. One per
// node.
// Invariants: no path leads out of the media directory, because only paths that match a route are
// looked at and nothing is decoded; every answer is counted once.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError, coerceError, type Logger } from '../../cluster/index.js';
import { hlsError } from '../errors.js';
import { answerRecording } from '../recording/playback.js';
import { answerPart } from './part-answers.js';
import {
  answerKey,
  answerPicture,
  answerPlaylist,
  answerSegment,
  FRESH_PARAMETER,
  type HlsParts,
  type HlsRequest,
  type Kind,
} from './responses.js';

export interface HlsServerOptions extends HlsParts {
  /** 0 = any free port. */
  readonly port: number;
  readonly host: string;
  /** Origins that may read across sites; `*` = all. */
  readonly origins: readonly string[];
  readonly log: Logger;
  /** Takes connections that leave HTTP; default: they are answered like any other request. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export interface HlsServer {
  readonly port: number;
  close(): Promise<void>;
}

interface Route {
  readonly kind: Kind;
  /** Matches what follows `/h/<prefix>/<stream>/`; its groups become `names`. */
  readonly pattern: RegExp;
  readonly answer: (parts: HlsParts, asked: HlsRequest) => Promise<void>;
}

const SIGNED = /^\/h\/([^/?]{1,200})\/([A-Za-z0-9_-]{1,64})\/([^?]{1,160})$/;
const ROUTES: readonly Route[] = [
  {
    kind: 'segment',
    pattern: /^([a-z0-9-]{1,40})\/([a-z0-9_-]{1,32})\/(\d{1,9}\.(?:ts|m4s|aac)|init\.mp4)$/,
    answer: answerSegment,
  },
  {
    kind: 'part',
    pattern: /^([a-z0-9-]{1,40})\/([a-z0-9_-]{1,32})\/p(\d{1,9})\.m4s$/,
    answer: answerPart,
  },
  { kind: 'master', pattern: /^(master|dvr)\.m3u8$/, answer: answerPlaylist },
  { kind: 'media', pattern: /^([a-z0-9_-]{1,32})\.m3u8$/, answer: answerPlaylist },
  {
    kind: 'key',
    pattern: /^([a-z0-9-]{1,40})\/([a-z0-9_-]{1,32})\/(\d{1,9})\.key$/,
    answer: answerKey,
  },
  { kind: 'picture', pattern: /^picture\.jpg$/, answer: answerPicture },
  {
    kind: 'recording',
    pattern: /^recordings\/([A-Za-z0-9_-]{1,60})\.mp4$/,
    answer: answerRecording,
  },
];
const FILES: ReadonlySet<Kind> = new Set(['segment', 'part', 'key']);
const FRESH = new RegExp(`(?:^|&)${FRESH_PARAMETER}=([^&]{1,200})`);
const KEEP_ALIVE_MS = 15_000;

/** Listens; rejects with EADDRINUSE when the port is taken. */
export async function startHlsServer(options: HlsServerOptions): Promise<HlsServer> {
  const server = createServer((request, response) => {
    void handle(options, request, response);
  });
  if (options.onUpgrade !== undefined) server.on('upgrade', options.onUpgrade);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  return { port, close: () => close(server) };
}

async function handle(
  options: HlsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { metrics, log } = options;
  const found = routeOf(request.url ?? '/');
  const kind = found?.route.kind ?? 'other';
  response.once('close', () => metrics.requests.inc({ kind, status: response.statusCode }));
  response.on('error', () => undefined);
  try {
    setCors(options.origins, request, response);
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw hlsError('HLS_METHOD');
    } else if (found === undefined) {
      throw hlsError('HLS_NOT_FOUND');
    } else {
      const { route, ...where } = found;
      await route.answer(options, { ...where, kind, request, response });
    }
  } catch (thrown) {
    const known = thrown instanceof AppError ? (thrown as AppError) : undefined;
    if (known === undefined && !isHangUp(thrown)) {
      log.error({ event: 'hls.request_failed', kind, err: coerceError(thrown) });
    }
    refuse(response, known ?? hlsError('HLS_FAILED'));
  }
}

/** A file may carry the prefix that counts in its query. */
function routeOf(
  url: string,
): { route: Route; prefix: string; streamId: string; names: readonly string[] } | undefined {
  const [path = '/', query = ''] = url.split('?', 2);
  const [, prefix = '', streamId = '', rest = ''] = SIGNED.exec(path) ?? [];
  for (const route of ROUTES) {
    const match = route.pattern.exec(rest);
    if (match === null) continue;
    const fresh = FILES.has(route.kind) ? FRESH.exec(query)?.[1] : undefined;
    return { route, prefix: fresh ?? prefix, streamId, names: match.slice(1) };
  }
  return undefined;
}

function setCors(
  origins: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { origin } = request.headers;
  const isAny = origins.includes('*');
  if (!isAny) response.setHeader('vary', 'origin');
  if (!isAny && (origin === undefined || !origins.includes(origin))) return;
  response.setHeader('access-control-allow-origin', isAny ? '*' : (origin ?? ''));
  response.setHeader('access-control-allow-methods', 'GET, HEAD, OPTIONS');
  response.setHeader('access-control-allow-headers', 'range');
  response.setHeader('access-control-max-age', '86400');
}

function refuse(response: ServerResponse, error: AppError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = Buffer.from(`${JSON.stringify(error.toBody())}\n`);
  response.writeHead(error.http, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
    ...(error.http === 503 ? { 'retry-after': '1' } : {}),
  });
  response.end(body);
}

/** The player closed the connection: its right. */
function isHangUp(thrown: unknown): boolean {
  const code = (thrown as { code?: unknown }).code;
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE';
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
