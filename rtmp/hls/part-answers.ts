// Low-latency answers (RFC 8216bis): playlists that wait until they have what was asked for, and
// parts, which are stretches of a segment's file. Used by responses.ts and http.ts.
import { open } from 'node:fs/promises';
import { hlsError } from '../errors.js';
import type { Part } from './part-track.js';
import { FOR_EVER } from './cache-control.js';
import type { Wait } from './reload-waits.js';
import type { HlsParts, HlsRequest } from './responses.js';

interface Asked {
  readonly sequence: number;
  readonly part: number | undefined;
}

/** How long a request may wait, in target durations (section 6.2.5.2). */
const WAIT_TARGETS = 3;
const NUMBER = /^\d{1,12}$/;

/**
 * Returns once the playlist has what `_HLS_msn` and `_HLS_part` name, or time is over: then the
 * playlist is answered as it is, because a player that gets 503 while a publisher is away takes the
 * stream for dead. Only the node that has the publisher waits; others ignore the question.
 * @throws AppError HLS_QUERY, HLS_BUSY
 */
export async function waitForReload(
  parts: HlsParts,
  { streamId, request, response }: HlsRequest,
  { sid, rendition }: { readonly sid: string; readonly rendition: string },
): Promise<boolean> {
  const asked = askedFor(request.url ?? '');
  const live = parts.shows.find(streamId);
  const show = live?.show;
  if (asked === undefined || live === undefined || show?.partMs === 0) return false;
  const reach = () => live.show?.reach(rendition, asked.sequence, asked.part);
  if (reach() === 'too-far') throw hlsError('HLS_QUERY');
  if (reach() !== 'soon') return false;
  parts.viewers.seen(streamId, sid, parts.clock.monotonicMs());
  await waitFor(parts, {
    ...{ what: live, sid, response, isThere: () => reach() !== 'soon' },
    timeoutMs: (show?.targetSec ?? 1) * WAIT_TARGETS * 1_000,
  });
  return true;
}

function askedFor(url: string): Asked | undefined {
  const query = new URLSearchParams(url.split('?', 2)[1] ?? '');
  const [sequence, part] = [query.get('_HLS_msn'), query.get('_HLS_part')];
  if (sequence === null && part === null) return undefined;
  const isRight = NUMBER.test(sequence ?? '') && (part === null || NUMBER.test(part));
  if (!isRight) throw hlsError('HLS_QUERY');
  return { sequence: Number(sequence), part: part === null ? undefined : Number(part) };
}

/** A part; one that a playlist has only hinted at is waited for. */
export async function answerPart(parts: HlsParts, asked: HlsRequest): Promise<void> {
  const { prefix, streamId, response } = asked;
  const [run = '', folder = '', index = ''] = asked.names;
  const access = parts.access.forSegment({ prefix, streamId });
  if (!access.ok) throw access.error;
  const live = parts.shows.find(streamId);
  const number = Number(index);
  const find = () => live?.findPart(run, folder, number);
  if (find() === undefined && live?.show?.isHinted(run, folder, number) === true) {
    await waitFor(parts, {
      ...{ what: live, sid: access.grant.sid, response },
      isThere: () => live.show?.isHinted(run, folder, number) !== true,
      timeoutMs: (live.show.targetSec ?? 1) * WAIT_TARGETS * 1_000,
    });
    // Whoever was cut off while waiting gets nothing.
    const now = parts.access.forSegment({ prefix, streamId });
    if (!now.ok) throw now.error;
  }
  const part = find();
  if (part === undefined) throw hlsError('HLS_NOT_FOUND');
  await sendPart(parts, asked, part);
}

async function waitFor({ waits, metrics }: HlsParts, wait: Wait): Promise<void> {
  const waited = waits.wait(wait);
  metrics.waiting.set(waits.waiting);
  try {
    await waited;
  } finally {
    metrics.waiting.set(waits.waiting);
  }
}

/** From a file that may still be growing. */
async function sendPart(
  { metrics, files }: HlsParts,
  { streamId, kind, request, response }: HlsRequest,
  { run, folder, file, offset, bytes }: Part,
): Promise<void> {
  const opened = await open(files.path(streamId, run, folder, file)).catch(() => undefined);
  if (opened === undefined) throw hlsError('HLS_NOT_FOUND');
  try {
    const body = Buffer.alloc(bytes);
    const { bytesRead } = await opened.read(body, 0, bytes, offset);
    if (bytesRead < bytes) throw hlsError('HLS_NOT_FOUND');
    response.writeHead(200, {
      'content-type': 'video/mp4',
      'content-length': bytes,
      'cache-control': FOR_EVER,
    });
    metrics.servedBytes.inc({ kind }, bytes);
    response.end(request.method === 'HEAD' ? undefined : body);
  } finally {
    await opened.close();
  }
}
