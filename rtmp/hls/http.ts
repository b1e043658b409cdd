// The HLS server: master and media playlists, segments, each under a signed path prefix. One per node.
// Invariants: a file name is only built from parts that match the path pattern, so no request leaves the media
// directory; a segment that is still being written is never served; every answer is counted once.
import { open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { AppError, coerceError, type Clock, type Logger } from '../../cluster/index.js';
import { hlsError } from '../errors.js';
import type { HlsMetrics } from '../metrics.js';
import type { HlsAccess, SignedPath } from './access.js';
import type { MediaFiles } from './media-files.js';
import type { RemoteShows } from './remote-shows.js';
import type { ShowManager } from './show-manager.js';
import type { Segment } from './timeline.js';
import type { ViewerCounter } from './viewer-counter.js';

export interface HlsServerOptions {
  /** 0 = any free port. */
  readonly port: number;
  readonly host: string;
  /** Origins that may read across sites; `*` = all. */
  readonly origins: readonly string[];
  readonly nodeId: string;
  readonly shows: Pick<ShowManager, 'find'>;
  readonly remote: Pick<RemoteShows, 'find'>;
  readonly access: HlsAccess;
  readonly files: MediaFiles;
  readonly viewers: ViewerCounter;
  readonly clock: Clock;
  readonly metrics: HlsMetrics;
  readonly log: Logger;
}

export interface HlsServer {
  readonly port: number;
  close(): Promise<void>;
}

const PLAYLIST = /^\/h\/([^/?]{1,200})\/([A-Za-z0-9_-]{1,64})\/([a-z0-9_-]{1,32})\.m3u8$/;
const SEGMENT =
  /^\/h\/([^/?]{1,200})\/([A-Za-z0-9_-]{1,64})\/([a-z0-9-]{1,40})\/([a-z0-9_-]{1,32})\/(\d{1,9}\.ts)$/;
const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';
/** Each answer is one viewer's own: it carries their signature. */
const PLAYLIST_CACHE = 'private, no-cache';
/** A segment never changes; caches may strip the prefix from their key. */
const SEGMENT_CACHE = 'public, max-age=3600, immutable';
const KEEP_ALIVE_MS = 15_000;

type Kind = 'master' | 'media' | 'segment' | 'other';

/** Listens; rejects with EADDRINUSE when the port is taken. */
export async function startHlsServer(options: HlsServerOptions): Promise<HlsServer> {
  const server = createServer((request, response) => {
    void handle(options, request, response);
  });
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
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const kind = kindOf(path);
  response.once('close', () => metrics.requests.inc({ kind, status: response.statusCode }));
  response.on('error', () => undefined);
  try {
    setCors(options.origins, request, response);
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw hlsError('HLS_METHOD');
    } else if (kind === 'segment') {
      await serveSegment(options, path, request, response);
    } else if (kind !== 'other') {
      await servePlaylist(options, path, request, response);
    } else {
      throw hlsError('HLS_NOT_FOUND');
    }
  } catch (thrown) {
    const known = thrown instanceof AppError ? (thrown as AppError) : undefined;
    if (known === undefined && !isHangUp(thrown)) {
      log.error({ event: 'hls.request_failed', kind, err: coerceError(thrown) });
    }
    refuse(response, known ?? hlsError('HLS_FAILED'));
  }
}

async function servePlaylist(
  options: HlsServerOptions,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, prefix = '', streamId = '', name = ''] = PLAYLIST.exec(path) ?? [];
  const access = await options.access.forPlaylist({ prefix, streamId });
  if (!access.ok) throw access.error;
  const show = options.shows.find(streamId)?.show ?? (await options.remote.find(streamId));
  if (show === undefined) throw hlsError('HLS_NOT_LIVE');
  options.viewers.seen(streamId, access.grant.sid, options.clock.monotonicMs());
  const fresh = options.access.freshPrefix(access.grant);
  const uriOf = (segment: Segment): string => {
    const tail = segmentPath(fresh, streamId, segment);
    if (segment.nodeId === options.nodeId) return `../../${tail}`;
    return `${reachableBase(segment.base, request.headers.host)}/h/${tail}`;
  };
  const text = name === 'master' ? show.renderMaster() : show.renderMedia(name, uriOf);
  if (text === undefined) throw hlsError('HLS_NOT_FOUND');
  const body = Buffer.from(text);
  options.metrics.servedBytes.inc({ kind: name === 'master' ? 'master' : 'media' }, body.length);
  response.writeHead(200, {
    'content-type': PLAYLIST_TYPE,
    'content-length': body.length,
    'cache-control': PLAYLIST_CACHE,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/**
 * Below `/h/`. For our own files the address is relative, so that it holds behind any reverse proxy: it leaves
 * the old prefix for the fresh one.
 */
function segmentPath(fresh: string, streamId: string, { run, folder, file }: Segment): string {
  return `${fresh}/${streamId}/${run}/${folder}/${file}`;
}

/** Another node's base; where it names no host, it is on the host that the player talks to. */
function reachableBase(base: string, hostHeader = ''): string {
  return base.replace(/^(https?:\/\/)(?=:)/, `$1${hostHeader.replace(/:\d+$/, '')}`);
}

async function serveSegment(
  options: HlsServerOptions,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, prefix = '', streamId = '', run = '', folder = '', file = ''] = SEGMENT.exec(path) ?? [];
  const signed: SignedPath = { prefix, streamId };
  const access = options.access.forSegment(signed);
  if (!access.ok) throw access.error;
  const isServable = options.shows.find(streamId)?.isServable(run, folder, file) ?? true;
  if (!isServable) throw hlsError('HLS_NOT_FOUND');
  const opened = await open(options.files.path(streamId, run, folder, file)).catch(() => undefined);
  if (opened === undefined) throw hlsError('HLS_NOT_FOUND');
  try {
    const { size } = await opened.stat();
    response.writeHead(200, {
      'content-type': 'video/mp2t',
      'content-length': size,
      'cache-control': SEGMENT_CACHE,
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    options.metrics.servedBytes.inc({ kind: 'segment' }, size);
    await pipeline(opened.createReadStream({ highWaterMark: 256 * 1024 }), response);
  } finally {
    await opened.close();
  }
}

function kindOf(path: string): Kind {
  if (SEGMENT.test(path)) return 'segment';
  const name = PLAYLIST.exec(path)?.[3];
  if (name === undefined) return 'other';
  return name === 'master' ? 'master' : 'media';
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
