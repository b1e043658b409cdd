// The answers of the HLS server: master and media playlists, segments, keys, pictures. http.ts
// routes to them.
// Invariant: a file name is only built from parts that matched the route's pattern.
import { open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../cluster/index.js';
import { hlsError } from '../errors.js';
import type { HlsMetrics } from '../metrics.js';
import type { RecordingFiles } from '../recording/playback.js';
import type { HlsAccess } from './access.js';
import { FOR_EVER, PRIVATE } from './cache-control.js';
import type { MediaFiles } from './media-files.js';
import { waitForReload } from './part-answers.js';
import type { ReloadWaits } from './reload-waits.js';
import type { RemoteShows } from './remote-shows.js';
import {
  encryptedBytes,
  isEncrypted,
  ivOf,
  keyIndexOf,
  type SegmentCipher,
} from './segment-cipher.js';
import { DVR_PREFIX, type Place, type Show } from './show.js';
import type { ShowManager } from './show-manager.js';
import type { Segment } from './timeline.js';
import type { ViewerCounter } from './viewer-counter.js';

export interface HlsParts {
  readonly nodeId: string;
  readonly shows: Pick<ShowManager, 'find'>;
  readonly remote: Pick<RemoteShows, 'find'>;
  readonly access: HlsAccess;
  readonly cipher: SegmentCipher;
  readonly files: MediaFiles;
  readonly viewers: ViewerCounter;
  readonly waits: ReloadWaits;
  /** Default: none can be played here. */
  readonly recordings?: RecordingFiles;
  readonly clock: Clock;
  readonly metrics: HlsMetrics;
}

export type Kind =
  'master' | 'media' | 'segment' | 'part' | 'key' | 'picture' | 'recording' | 'other';

/** A request whose path has matched; `names` are the parts after the stream id. */
export interface HlsRequest {
  readonly kind: Kind;
  readonly prefix: string;
  readonly streamId: string;
  readonly names: readonly string[];
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Query parameter of files: the newest prefix, which counts instead of that in the path. */
export const FRESH_PARAMETER = 'p';
/** In the path of a file where only the parameter counts. */
const NO_PREFIX = '-';
const READ_BYTES = 256 * 1024;
/** The others are fragmented MP4. */
const TYPES = [
  ['.ts', 'video/mp2t'],
  ['.aac', 'audio/aac'],
] as const;

export async function answerPlaylist(parts: HlsParts, asked: HlsRequest): Promise<void> {
  const { prefix, streamId, request, kind } = asked;
  const [name = ''] = asked.names;
  const isDvr = name.startsWith(DVR_PREFIX);
  const rendition = isDvr ? name.slice(DVR_PREFIX.length) : name;
  let access = await parts.access.forPlaylist({ prefix, streamId });
  if (!access.ok) throw access.error;
  const { sid } = access.grant;
  if (kind === 'media' && (await waitForReload(parts, asked, { sid, rendition }))) {
    // Whoever was cut off while waiting gets nothing.
    access = await parts.access.forPlaylist({ prefix, streamId });
    if (!access.ok) throw access.error;
  }
  const show = await showOf(parts, streamId, isDvr);
  if (show === undefined) throw hlsError('HLS_NOT_LIVE');
  parts.viewers.seen(streamId, sid, parts.clock.monotonicMs());
  const fresh = parts.access.freshPrefix(access.grant);
  // Players take a segment whose path has changed for another one (hls.js 1.7 then ends with
  // levelParsingError), so what changes stands behind the question mark.
  const fileUri = ({ run, folder, nodeId = parts.nodeId, base }: Place, file: string): string => {
    const tail = `${run}/${folder}/${file}?${FRESH_PARAMETER}=${fresh}`;
    // Relative for our own files, so that it holds behind any reverse proxy.
    if (nodeId === parts.nodeId) return tail;
    const where = reachableBase(base ?? '', request.headers.host);
    return `${where}/h/${NO_PREFIX}/${streamId}/${tail}`;
  };
  const keyOf = (segment: Segment) =>
    isEncrypted(segment)
      ? { uri: fileUri(segment, `${keyIndexOf(segment)}.key`), iv: ivOf(segment) }
      : undefined;
  const text =
    kind === 'master'
      ? show.renderMaster(name === 'dvr')
      : show.renderMedia(rendition, { fileUri, keyOf }, isDvr);
  if (text === undefined) throw hlsError('HLS_NOT_FOUND');
  send(parts, asked, { type: 'application/vnd.apple.mpegurl', cache: PRIVATE }, Buffer.from(text));
}

export async function answerSegment(parts: HlsParts, asked: HlsRequest): Promise<void> {
  const { prefix, streamId } = asked;
  const [run = '', folder = '', file = ''] = asked.names;
  const access = parts.access.forSegment({ prefix, streamId });
  if (!access.ok) throw access.error;
  const isServable = parts.shows.find(streamId)?.isServable(run, folder, file) ?? true;
  if (!isServable) throw hlsError('HLS_NOT_FOUND');
  const cipher = isEncrypted({ run }) ? parts.cipher.cipher({ streamId, run, folder, file }) : null;
  const path = parts.files.path(streamId, run, folder, file);
  const type = TYPES.find(([end]) => file.endsWith(end))?.[1] ?? 'video/mp4';
  await sendFile(parts, asked, { path, type, cache: FOR_EVER, cipher });
}

export async function answerKey(parts: HlsParts, asked: HlsRequest): Promise<void> {
  const { prefix, streamId } = asked;
  const [run = '', folder = '', index = ''] = asked.names;
  const access = await parts.access.forKey({ prefix, streamId });
  if (!access.ok) throw access.error;
  if (!isEncrypted({ run })) throw hlsError('HLS_NOT_FOUND');
  const key = parts.cipher.key({ streamId, run, folder }, Number(index));
  send(parts, asked, { type: 'application/octet-stream', cache: 'private, no-store' }, key);
}

export async function answerPicture(parts: HlsParts, asked: HlsRequest): Promise<void> {
  const { prefix, streamId } = asked;
  const access = parts.access.forPicture({ prefix, streamId });
  if (!access.ok) throw access.error;
  const path = parts.files.picturePath(streamId);
  const cache = 'public, max-age=5';
  await sendFile(parts, asked, { path, type: 'image/jpeg', cache, cipher: null });
}

/** Ours, or another node's as soon as it is not behind what was shown here before it took over. */
async function showOf(
  { shows, remote }: HlsParts,
  streamId: string,
  isDvr: boolean,
): Promise<Show | undefined> {
  const live = shows.find(streamId);
  if (live?.show !== undefined) return live.show;
  const elsewhere = await remote.find(streamId, isDvr);
  const lost = live?.lostShow;
  if (lost === undefined || elsewhere === undefined || elsewhere.isEnded) return elsewhere;
  return elsewhere.isBehind(lost) ? lost : elsewhere;
}

/** Another node's base; where it names no host, it is on the host that the player talks to. */
function reachableBase(base: string, hostHeader = ''): string {
  return base.replace(/^(https?:\/\/)(?=:)/, `$1${hostHeader.replace(/:\d+$/, '')}`);
}

function send(
  { metrics }: HlsParts,
  { kind, request, response }: HlsRequest,
  head: { type: string; cache: string },
  body: Buffer,
): void {
  metrics.servedBytes.inc({ kind }, body.length);
  response.writeHead(200, {
    'content-type': head.type,
    'content-length': body.length,
    'cache-control': head.cache,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function sendFile(
  { metrics }: HlsParts,
  { kind, request, response }: HlsRequest,
  file: { path: string; type: string; cache: string; cipher: NodeJS.ReadWriteStream | null },
): Promise<void> {
  const opened = await open(file.path).catch(() => undefined);
  if (opened === undefined) throw hlsError('HLS_NOT_FOUND');
  try {
    const { size } = await opened.stat();
    const bytes = file.cipher === null ? size : encryptedBytes(size);
    response.writeHead(200, {
      'content-type': file.type,
      'content-length': bytes,
      'cache-control': file.cache,
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    metrics.servedBytes.inc({ kind }, bytes);
    const source = opened.createReadStream({ highWaterMark: READ_BYTES });
    await (file.cipher === null
      ? pipeline(source, response)
      : pipeline(source, file.cipher, response));
  } finally {
    await opened.close();
  }
}
